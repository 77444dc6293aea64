"""The HTTP application: the doors, and what every request passes on its way in and out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

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
from stentor.config import Config
from stentor.live_config import LiveConfig, reload_on_hangup
from stentor.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from stentor.app import Stentor

log = structlog.get_logger(__name__)

JSON_LIMIT = 4 * 2**20
"""Bytes of a body that is no upload."""
UPLOADS = ("/v1/audio/transcriptions", "/v1/audio/translations", UPSTREAM)
"""Beginnings of paths that take files."""


def http_app(stentor: Stentor, live: LiveConfig, metrics: Metrics) -> FastAPI:
    """Opens and closes what is behind it."""
    config = stentor.config

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        log.info(
            "aliases",
            models=dict(stentor.aliases),
            **_languages(stentor),
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


def _languages(stentor: Stentor) -> dict[str, object]:
    """What those models know of the wanted languages, if any are wanted."""
    meant = dict.fromkeys(stentor.aliases.values())
    return {"languages": {m: str(stentor.spoken(m)) for m in meant}} if stentor.languages else {}


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
