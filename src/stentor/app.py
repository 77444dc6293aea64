"""The only place where the objects of a running Stentor are built and joined.

A request's journey: the doors in `api/` turn it into a request of `types.py`; the stories in
`pipelines/speak.py` and `pipelines/listen.py` tell the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from stentor import __version__
from stentor.api.admin.control import control_router
from stentor.api.admin.models import models_router as admin_models_router
from stentor.api.compat.local_ai import local_ai_router
from stentor.api.docs import docs_router
from stentor.api.errors import add_error_handlers
from stentor.api.guard import Guard
from stentor.api.head import Head
from stentor.api.health import health_router
from stentor.api.limits import BodyLimit, SendDeadline
from stentor.api.openai.models import models_router
from stentor.api.openai.speech import speech_router
from stentor.api.openai.transcriptions import transcriptions_router
from stentor.api.openai.voices import voices_router
from stentor.api.request_id import RequestId
from stentor.api.upstream import PREFIX as UPSTREAM
from stentor.api.upstream import upstream_router
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
from stentor.lifecycle.environments.store import Environments
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.memory import device_sizes, machine, memory_budget
from stentor.lifecycle.proposal import Choice, better, propose
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.weights.licences import Licences
from stentor.lifecycle.weights.store import WeightsStore
from stentor.live_config import LiveConfig, reload_on_hangup
from stentor.pipelines.listen import Listener
from stentor.pipelines.speak import Speaker
from stentor.routing.models import Model, Models
from stentor.storage.kept_models import KeptModels, with_kept
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads
from stentor_engine.loader import Declaration

log = structlog.get_logger(__name__)

JSON_LIMIT = 4 * 2**20
"""Bytes of a body that is no upload."""
UPLOADS = ("/v1/audio/transcriptions", "/v1/audio/translations", UPSTREAM)
"""Beginnings of paths that take files."""


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


def environments(config: Config) -> Environments:
    return Environments(
        config.storage.data_dir / "environments",
        torch=config.engines.torch,
        timeout=config.engines.pull_timeout,
        nvidia=config.engines.torch != "cpu" and bool(gpus()),
    )


def weights_store(config: Config) -> WeightsStore:
    folder = config.storage.data_dir
    licences = Licences(folder / "licences.json", configured=config.engines.accepted_licences)
    return WeightsStore(folder / "weights", licences, timeout=config.engines.pull_timeout)


def create_app(config: Config, read: Callable[[], Config] | None = None) -> FastAPI:
    """`read`: reads the configuration again, as it was read for this one."""
    kept = KeptModels(config.storage.data_dir)
    stentor = Stentor(with_kept(config, kept.read()))
    live = LiveConfig(stentor, read or (lambda: config), kept)
    metrics = Metrics(stentor.models)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        log.info(
            "aliases",
            models=dict(stentor.aliases),
            better=[choice.name for choice in stentor.better()],
        )
        await stentor.open()
        with reload_on_hangup(live):
            yield
        await stentor.close()

    app = FastAPI(
        title="Stentor",
        version=__version__,
        summary="A self-hosted voice server",
        lifespan=lifespan,
        middleware=_middleware(config, metrics),
        docs_url=None,
        redoc_url=None,
    )
    add_error_handlers(app)
    app.include_router(speech_router(stentor.speaker, stentor.threads, metrics))
    app.include_router(transcriptions_router(stentor.listener, metrics))
    app.include_router(voices_router(stentor.models))
    app.include_router(models_router(stentor.models))

    def pause_timeout() -> float:
        return stentor.config.lifecycle.pause_timeout

    app.include_router(admin_models_router(stentor.models, live))
    app.include_router(
        control_router(stentor.models, stentor.residency, live, pause_timeout=pause_timeout)
    )
    app.include_router(
        local_ai_router(stentor.models, stentor.residency, pause_timeout=pause_timeout)
    )
    keyed = config.server.api_key is not None
    app.include_router(upstream_router(stentor.models, keyed=keyed))
    app.include_router(health_router(metrics))
    app.include_router(docs_router())
    return app


def _middleware(config: Config, metrics: Metrics) -> list[Middleware]:
    """From the outside in."""
    server = config.server
    key = server.api_key.get_secret_value() if server.api_key else None
    cors = Middleware(
        CORSMiddleware,
        allow_origins=server.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["*"],
    )
    hosts = ["*"] if server.insecure else server.allowed_hosts
    guard = Middleware(
        Guard,
        api_key=key,
        open_lists=server.open_discovery,
        allowed_hosts=hosts,
        origins=server.cors_origins,
    )
    limit = Middleware(
        BodyLimit,
        uploads=UPLOADS,
        upload=int(server.max_upload_mb * 2**20),
        other=JSON_LIMIT,
    )
    deadline = Middleware(SendDeadline, timeout=server.send_timeout)
    outermost = Middleware(RequestId, metrics=metrics)
    inner = [guard, limit, Middleware(Head, untouched=UPSTREAM)]
    return [outermost, deadline, *([cors] if server.cors_origins else []), *inner]
