"""The only place where the objects of a running Stentor are built and joined.

A request's journey: the doors in `api/` turn it into a request of `types.py`; the stories in
`pipelines/speak.py` and `pipelines/listen.py` tell the rest.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from stentor import __version__
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
from stentor.audio.vad import Detectors
from stentor.backends.engine import EngineBackend
from stentor.config import (
    Config,
    ConfigurationError,
    EngineBackendConfig,
    ModelConfig,
    configured_models,
)
from stentor.lifecycle.catalog import (
    Offer,
    bundled_engines,
    declared,
    find_engines,
    offer,
    openai_aliases,
)
from stentor.lifecycle.environments import Environments
from stentor.lifecycle.process import WorkerCommand
from stentor.lifecycle.worker import Worker
from stentor.pipelines.listen import Listener
from stentor.pipelines.speak import Speaker
from stentor.routing.models import Model, Models
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads

log = structlog.get_logger(__name__)

JSON_LIMIT = 4 * 2**20
"""Bytes of a body that is no upload."""
UPLOAD_PATHS = (
    "/v1/audio/transcriptions",
    "/v1/audio/transcriptions/verbose",
    "/v1/audio/translations",
)


@dataclass(frozen=True)
class Stentor:
    """Everything that speaks and listens, without a server around it."""

    models: Models
    speaker: Speaker
    listener: Listener
    threads: Threads
    offers: Mapping[str, Offer]
    """By the names of the models: what is known of them before they are started."""
    aliases: Mapping[str, str]
    """What OpenAI's names mean that the owner gave to no model."""
    workers: Mapping[tuple[str, str], Worker]
    """By the names of their model and their backend."""

    async def close(self) -> None:
        await self.models.close()
        self.threads.close()


def build(config: Config) -> Stentor:
    """Starts nothing: workers start when they are first needed. Raises ConfigurationError."""
    engines = find_engines([bundled_engines(), *config.engines.paths])
    configured = configured_models(config)
    offers = {
        name: offer(name, [declared(backend.engine, engines) for backend in model.backends])
        for name, model in configured.items()
    }
    installed = environments(config)
    taken = {name for key, model in configured.items() for name in (key, *model.aliases)}
    aliases = openai_aliases(list(offers.values()), taken)
    workers: dict[tuple[str, str], Worker] = {}
    models = Models(
        _model(name, _with_aliases(name, model, aliases), engines, installed, config, workers)
        for name, model in configured.items()
    )
    threads = Threads(config.lifecycle.cpu_threads)
    server = config.server
    speaker = Speaker(models, threads, max_chars=server.max_input_chars)
    detectors = Detectors(kept=config.lifecycle.cpu_threads)
    listener = Listener(models, threads, detectors, max_seconds=server.max_audio_duration)
    return Stentor(models, speaker, listener, threads, offers, aliases, workers)


def environments(config: Config) -> Environments:
    return Environments(
        config.storage.data_dir / "environments",
        torch=config.engines.torch,
        timeout=config.engines.pull_timeout,
    )


def create_app(config: Config) -> FastAPI:
    stentor = build(config)
    metrics = Metrics(stentor.models, stentor.workers)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        log.info("aliases", models=dict(stentor.aliases))
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
    app.include_router(
        models_router(stentor.models, {n: o.task for n, o in stentor.offers.items()})
    )
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
        upload_paths=UPLOAD_PATHS,
        upload=int(server.max_upload_mb * 2**20),
        other=JSON_LIMIT,
    )
    deadline = Middleware(SendDeadline, timeout=server.send_timeout)
    outermost = Middleware(RequestId, metrics=metrics)
    inner = [guard, limit, Middleware(Head)]
    return [outermost, deadline, *([cors] if server.cors_origins else []), *inner]


def _with_aliases(name: str, model: ModelConfig, aliases: Mapping[str, str]) -> ModelConfig:
    given = [alias for alias, meant in aliases.items() if meant == name]
    return model.model_copy(update={"aliases": [*model.aliases, *given]})


def _model(
    name: str,
    model: ModelConfig,
    engines: Mapping[str, Path],
    installed: Environments,
    config: Config,
    workers: dict[tuple[str, str], Worker],
) -> Model:
    """Adds its workers to `workers`."""
    backends = []
    for index, backend in enumerate(model.backends):
        title = f"engine:{backend.engine}" + (f":{index}" if index else "")
        worker = _worker(backend, model, engines, installed, config)
        workers[name, title] = worker
        backends.append(
            EngineBackend(
                title,
                worker,
                max_parallel=backend.max_parallel,
                stall_timeout=config.lifecycle.stall_timeout,
            )
        )
    return Model(
        name,
        backends,
        aliases=model.aliases,
        revision=model.revision,
        queue_limit=model.queue_limit,
    )


def _worker(
    backend: EngineBackendConfig,
    model: ModelConfig,
    engines: Mapping[str, Path],
    installed: Environments,
    config: Config,
) -> Worker:
    """Raises ConfigurationError for an engine that does not exist."""
    if backend.engine not in engines:
        known = ", ".join(sorted(engines))
        raise ConfigurationError(f"there is no engine '{backend.engine}'; there are: {known}")
    settings = {"device": backend.device, "weights": model.weights, "options": backend.options}
    file = engines[backend.engine]
    find_python = partial(
        installed.python, backend.engine, file, may_build=config.engines.pull_on_request
    )
    command = WorkerCommand(backend.engine, file, settings)
    start_timeout = config.lifecycle.start_timeout
    return Worker(command, start_timeout=start_timeout, find_python=find_python)
