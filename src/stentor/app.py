"""The only place where the objects of a running Stentor are built and joined.

A request's journey: the doors in `api/` turn it into a request of `types.py`; the stories in
`pipelines/speak.py` and `pipelines/listen.py` tell the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from stentor.audio.vad import Detectors
from stentor.backends.configured import Place, build_backends, is_present
from stentor.backends.left_over import remove_left_over_containers
from stentor.config import Config, EngineBackendConfig, ModelConfig, configured_models
from stentor.lifecycle.catalog import (
    Offer,
    bundled_engines,
    declared,
    find_engines,
    offer,
    openai_aliases,
)
from stentor.lifecycle.child import hold_up_one_thread
from stentor.lifecycle.device import devices_present
from stentor.lifecycle.memory import device_sizes, machine, memory_budget
from stentor.lifecycle.proposal import Choice, better, propose
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.stores import environments, weights_store
from stentor.live_config import LiveConfig
from stentor.pipelines.listen import Listener
from stentor.pipelines.speak import Speaker
from stentor.routing.models import Model, Models
from stentor.storage.kept_models import KeptModels, with_kept
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads
from stentor_engine.loader import Declaration

if TYPE_CHECKING:
    from fastapi import FastAPI


class Stentor:
    """Everything that speaks and listens, without a server around it."""

    def __init__(self, config: Config) -> None:
        """Starts nothing: workers start when they are first needed. Raises ConfigurationError."""
        hold_up_one_thread()
        lifecycle, server = config.lifecycle, config.server
        self.residency = Residency({}, timeout=lifecycle.memory_timeout)
        self.models = Models()
        self.threads = Threads(lifecycle.cpu_threads)
        self.speaker = Speaker(self.models, self.threads, max_chars=server.max_input_chars)
        detectors = Detectors(kept=lifecycle.cpu_threads)
        longest = server.max_audio_duration
        self.listener = Listener(self.models, self.threads, detectors, max_seconds=longest)
        self._watching: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None
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
        )
        configured = configured_models(config)
        offers = [_offer(name, model, place) for name, model in configured.items()]
        taken = {name for key, model in configured.items() for name in (key, *model.aliases)}
        aliases = openai_aliases(offers, taken)
        models = [self._model(offer, configured[offer.model], place) for offer in offers]
        given = {
            name: [*model.aliases, *(alias for alias, meant in aliases.items() if meant == name)]
            for name, model in configured.items()
        }
        self.models.replace(models, given)
        self.residency.budget = memory_budget(config.lifecycle.memory_budget, device_sizes())
        self.residency.timeout = config.lifecycle.memory_timeout
        for service in self.services:
            self.residency.add(service)
        self.config, self.offers, self.aliases = config, offers, aliases
        self.engines = {name: declared(name, place.engines) for name in place.engines}
        self.models.engines = self.engines
        if self._watching is not None:  # it is open
            self._warm_up()

    def better(self) -> tuple[Choice, ...]:
        """Models that suit this machine and would do their work better than what is here."""
        here = machine(self.config.storage.data_dir)
        return better(propose(here, (), self.engines), self.offers, self.engines)

    def _model(self, offer: Offer, model: ModelConfig, place: Place) -> Model:
        """The one that is there, if it would be built as it is."""
        name = offer.model
        source = (model.model_copy(update={"aliases": []}), place.sources(model))
        old = self.models.get(name)
        if old is not None and old.source == source:
            return old
        return Model(
            name,
            build_backends(name, model, place),
            revision=model.revision,
            queue_limit=model.queue_limit,
            task=offer.task,
            source=source,
        )

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


def _offer(name: str, model: ModelConfig, place: Place) -> Offer:
    declarations = [
        declared(each.engine, place.engines)
        if isinstance(each, EngineBackendConfig)
        else Declaration(name, each.task)
        for each in model.backends
    ]
    return offer(name, declarations, present=is_present(model, place))


def create_app(config: Config, read: Callable[[], Config] | None = None) -> FastAPI:
    """`read`: reads the configuration again, as it was read for this one."""
    kept = KeptModels(config.storage.data_dir)
    stentor = Stentor(with_kept(config, kept.read()))
    live = LiveConfig(stentor, read or (lambda: config), kept)
    # Imported only here: who needs no server does not wait for the web framework.
    from stentor.api.server import http_app

    return http_app(stentor, live, Metrics(stentor.models))
