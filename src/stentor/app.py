"""The only place where the objects of a running Stentor are built and joined.

A request's journey: the doors in `api/` turn it into a request of `types.py`; the stories in
`pipelines/speak.py` and `pipelines/listen.py` tell the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from stentor.audio.vad import Detectors
from stentor.backends.configured import Place, build_backends
from stentor.backends.left_over import remove_left_over_containers
from stentor.backends.offers import missing, offers
from stentor.config import Config, ModelConfig, configured_models
from stentor.lifecycle.catalog import (
    Offer,
    bundled_engines,
    declared,
    find_engines,
    openai_aliases,
)
from stentor.lifecycle.child import hold_up_one_thread
from stentor.lifecycle.device import devices_present
from stentor.lifecycle.languages import Spoken
from stentor.lifecycle.memory import device_sizes, look_at_gpus, machine, memory_budget
from stentor.lifecycle.proposal import Choice, better, propose
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.stores import environments, weights_store
from stentor.live_config import LiveConfig
from stentor.pipelines.listen import Listener
from stentor.pipelines.speak import Speaker
from stentor.routing.models import Model, Models
from stentor.storage.kept_languages import wanted_languages
from stentor.storage.kept_models import KeptModels, with_kept
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger(__name__)


class Stentor:
    """Everything that speaks and listens, without a server around it."""

    def __init__(self, config: Config) -> None:
        """Starts nothing: workers start when they are first needed. Raises ConfigurationError."""
        hold_up_one_thread()
        lifecycle, server = config.lifecycle, config.server
        self.residency = Residency({}, timeout=lifecycle.memory_timeout, look=look_at_gpus)
        self.models = Models()
        self.threads = Threads(lifecycle.cpu_threads)
        self.speaker = Speaker(self.models, self.threads, max_chars=server.max_input_chars)
        detectors = Detectors(kept=lifecycle.cpu_threads)
        longest = server.max_audio_duration
        self.listener = Listener(self.models, self.threads, detectors, max_seconds=longest)
        self._watching: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None
        self.offers: Sequence[Offer] = ()
        self.aliases: Mapping[str, str] = {}
        self.languages: tuple[str, ...] = ()
        self.apply(config)

    def apply(self, config: Config) -> None:
        """From now on its models are as this configuration has them. Those in which nothing changed
        go on as they are; of the others requests end as they began. Raises ConfigurationError,
        with nothing changed.
        """
        place = Place(
            config,
            find_engines([bundled_engines(), *config.engines.paths]),
            environments(config),
            weights_store(config),
            self.residency,
            devices_present(),
            self.look,
        )
        configured = configured_models(config)
        offered = offers(configured, place)
        models = [self._model(each, configured[each.model], place) for each in offered]
        self._name(models, offered, configured, wanted_languages(config))
        self.residency.budget = memory_budget(config.lifecycle.memory_budget, device_sizes())
        self.residency.timeout = config.lifecycle.memory_timeout
        for service in self.services:
            self.residency.add(service)
        self.config, self._place = config, place
        self.engines = {name: declared(name, place.engines) for name in place.engines}
        self.models.engines = self.engines
        if self._watching is not None:  # it is open
            self._warm_up()

    def look(self) -> None:
        """What is on this machine may be something else by now: OpenAI's names follow. Nothing else
        changes, for no request.
        """
        configured = configured_models(self.config)
        offered = offers(configured, self._place)
        if offered != self.offers:
            self._name(list(self.models), offered, configured, self.languages)

    def _name(
        self,
        models: Sequence[Model],
        offered: Sequence[Offer],
        configured: Mapping[str, ModelConfig],
        languages: tuple[str, ...],
    ) -> None:
        """From now on there are these. Raises ConfigurationError, with nothing changed."""
        taken = {name for key, model in configured.items() for name in (key, *model.aliases)}
        aliases = openai_aliases(offered, taken, languages)
        given = {
            name: [*model.aliases, *(alias for alias, meant in aliases.items() if meant == name)]
            for name, model in configured.items()
        }
        self.models.replace(models, given)
        if self._watching is not None and aliases != self.aliases:  # it is open
            log.info("aliases", models=aliases)
        self.offers, self.aliases, self.languages = offered, aliases, languages

    def better(self) -> tuple[Choice, ...]:
        """Models that suit this machine and would do their work better than what is here."""
        here = machine(self.config.storage.data_dir)
        proposal = propose(here, self.languages, self.engines)
        return better(proposal, self.offers, self.engines, self.languages)

    def spoken(self, name: str) -> Spoken | None:
        """Of the model of that name; None where no languages are wanted."""
        found = next((each for each in self.offers if each.model == name), None)
        if found is None or not self.languages:
            return None
        does = "hears" if found.task == "transcription" else "speaks"
        return Spoken(does, self.languages, found.languages)

    def _model(self, offer: Offer, model: ModelConfig, place: Place) -> Model:
        """The one that is there, if it would be built as it is, and lost nothing that it runs with:
        then it only serves the requests that it has, and what runs must not be asked by others.
        """
        name = offer.model
        source = (model.model_copy(update={"aliases": []}), place.sources(model))
        old = self.models.get(name)
        if old is not None and old.source == source and not self._lost(old, offer):
            return old
        return Model(
            name,
            build_backends(name, model, place),
            revision=model.revision,
            queue_limit=model.queue_limit,
            task=offer.task,
            source=source,
            missing=partial(missing, name, model, place),
        )

    def _lost(self, model: Model, now: Offer) -> bool:
        """A backend's files are gone that were here, or that it runs with."""
        before = next(each for each in self.offers if each.model == model.name)
        states = zip(model.backends, before.here, now.here, strict=True)
        return any(not here and (was or backend.warm) for backend, was, here in states)

    @property
    def services(self) -> list[AnyService]:
        """What is started and stopped on this machine."""
        return [service for model in self.models for service in model.services]

    async def open(self) -> None:
        """Starts what is to be kept warm, and looks after memory until `close`."""
        self._watching = asyncio.create_task(self.residency.watch())
        self._clearing = asyncio.create_task(remove_left_over_containers(self.config))
        self._warm_up()

    def _warm_up(self) -> None:
        for service in self.services:
            if service.policy.keep_warm:
                service.warm_up()

    async def close(self) -> None:
        tasks = [each for each in (self._watching, self._clearing) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.models.close()
        self.threads.close()


def create_app(config: Config, read: Callable[[], Config] | None = None) -> FastAPI:
    """`read`: reads the configuration again, as it was read for this one."""
    kept = KeptModels(config.storage.data_dir)
    stentor = Stentor(with_kept(config, kept.read()))
    live = LiveConfig(stentor, read or (lambda: config), kept)
    # Imported only here: who needs no server does not wait for the web framework.
    from stentor.api.server import http_app

    return http_app(stentor, live, Metrics(stentor.models))
