"""Probes and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response

from stentor.telemetry.metrics import Metrics


def health_router(metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/health")
    @router.get("/healthz", include_in_schema=False)
    @router.get("/healthcheck", include_in_schema=False)
    async def health() -> dict[str, str]:
        """The process lives and its event loop turns."""
        return {"status": "ok", "server": "stentor"}

    @router.get("/readyz")
    async def ready() -> dict[str, str]:
        """Requests are taken: a server that starts or stops does not answer here."""
        return {"status": "ready"}

    @router.get("/metrics")
    async def prometheus() -> Response:
        content_type = "text/plain; version=0.0.4; charset=utf-8"
        return Response(metrics.exposition(), media_type=content_type)

    return router
