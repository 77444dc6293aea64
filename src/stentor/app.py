"""The only place where the objects of a running Stentor are built and joined.

A request's journey: the doors in `api/` turn it into a request of `types.py`; the stories in
`pipelines/speak.py` and `pipelines/listen.py` tell the rest.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from stentor import __version__
from stentor.api.errors import add_error_handlers
from stentor.api.guard import Guard
from stentor.api.health import health_router
from stentor.api.limits import BodyLimit, SendDeadline
from stentor.api.openai.models import models_router
from stentor.api.openai.speech import speech_router
from stentor.api.openai.transcriptions import transcriptions_router
from stentor.api.openai.voices import voices_router
from stentor.api.request_id import RequestId
from stentor.backends.engine import EngineBackend
from stentor.config import (
    Config,
    ConfigurationError,
    EngineBackendConfig,
    ModelConfig,
    configured_models,
)
from stentor.lifecycle.catalog import bundled_engines, find_engines
from stentor.lifecycle.process import WorkerCommand
from stentor.lifecycle.worker import Worker
from stentor.pipelines.listen import Listener
from stentor.pipelines.speak import Speaker
from stentor.routing.models import Model, Models
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads

JSON_LIMIT = 4 * 2**20
"""Bytes of a body that is no upload."""
UPLOAD_PATHS = ("/v1/audio/transcriptions",)


@dataclass(frozen=True)
class Stentor:
    """Everything that speaks and listens, without a server around it."""

    models: Models
    speaker: Speaker
    listener: Listener
    threads: Threads

    async def close(self) -> None:
        await self.models.close()
        self.threads.close()


def build(config: Config) -> Stentor:
    """Starts nothing: workers start when they are first needed. Raises ConfigurationError."""
    engines = find_engines([bundled_engines(), *config.engines.paths])
    models = Models(
        _model(name, model, engines, config) for name, model in configured_models(config).items()
    )
    threads = Threads(config.lifecycle.cpu_threads)
    server = config.server
    speaker = Speaker(models, threads, max_chars=server.max_input_chars)
    listener = Listener(models, threads, max_seconds=server.max_audio_duration)
    return Stentor(models, speaker, listener, threads)


def create_app(config: Config) -> FastAPI:
    stentor = build(config)
    metrics = Metrics(stentor.models)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        yield
        await stentor.close()

    app = FastAPI(
        title="Stentor",
        version=__version__,
        summary="A self-hosted voice server",
        lifespan=lifespan,
        middleware=_middleware(config, metrics),
        redoc_url=None,
    )
    add_error_handlers(app)
    app.include_router(speech_router(stentor.speaker, stentor.threads, metrics))
    app.include_router(transcriptions_router(stentor.listener, metrics))
    app.include_router(voices_router(stentor.models))
    app.include_router(models_router(stentor.models))
    app.include_router(health_router(metrics))
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
    guard = Middleware(Guard, api_key=key, allowed_hosts=hosts, origins=server.cors_origins)
    limit = Middleware(
        BodyLimit,
        upload_paths=UPLOAD_PATHS,
        upload=int(server.max_upload_mb * 2**20),
        other=JSON_LIMIT,
    )
    deadline = Middleware(SendDeadline, timeout=server.send_timeout)
    outermost = Middleware(RequestId, metrics=metrics)
    return [outermost, deadline, *([cors] if server.cors_origins else []), guard, limit]


def _model(name: str, model: ModelConfig, engines: dict[str, Path], config: Config) -> Model:
    backends = [
        _engine_backend(index, backend, model, engines, config)
        for index, backend in enumerate(model.backends)
    ]
    return Model(
        name,
        backends,
        aliases=model.aliases,
        revision=model.revision,
        queue_limit=model.queue_limit,
    )


def _engine_backend(
    index: int,
    backend: EngineBackendConfig,
    model: ModelConfig,
    engines: dict[str, Path],
    config: Config,
) -> EngineBackend:
    """Raises ConfigurationError for an engine that does not exist."""
    if backend.engine not in engines:
        known = ", ".join(sorted(engines))
        raise ConfigurationError(f"there is no engine '{backend.engine}'; there are: {known}")
    settings = {"device": backend.device, "weights": model.weights, "options": backend.options}
    command = WorkerCommand(backend.engine, engines[backend.engine], settings)
    worker = Worker(command, start_timeout=config.lifecycle.start_timeout)
    return EngineBackend(
        f"engine:{backend.engine}" if index == 0 else f"engine:{backend.engine}:{index}",
        worker,
        max_parallel=backend.max_parallel,
        stall_timeout=config.lifecycle.stall_timeout,
    )
