"""`/compat/local-ai`: the control routes of the local-ai manager, for its scripts and buttons.

`GET /status` and `/healthz`, `POST /gaming-mode` with `{"enable": bool}`, and `POST /stop-all`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from stentor.lifecycle.residency import GPUS, Residency
from stentor.lifecycle.state import State
from stentor.routing.models import Model, Models

RUNNING = (State.STARTING, State.READY, State.DRAINING)


class GamingMode(BaseModel):
    enable: bool


def local_ai_router(
    models: Models, residency: Residency, *, pause_timeout: Callable[[], float]
) -> APIRouter:
    router = APIRouter(prefix="/compat/local-ai", tags=["local-ai"])

    def running() -> list[Model]:
        """Also those that were changed or removed: they take memory as well."""
        return [model for model in (*models, *models.retiring) if _runs(model)]

    def names() -> list[str]:
        return list(dict.fromkeys(model.name for model in running()))

    @router.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"ok": True, "running": names()}

    @router.get("/status")
    async def status() -> dict[str, Any]:
        gaming = any(map(_is_gpu, residency.paused))
        on_gpu = list(dict.fromkeys(model.name for model in running() if _on_gpu(model)))
        stopped = [model.name for model in models if model.name not in names()]
        return {
            "gaming_mode": gaming,
            "safe_to_game": not on_gpu,
            "running_models": {model.name: _used(model) for model in running()},
            "stopped_models": stopped,
            "summary": _summary(on_gpu, gaming=gaming),
        }

    @router.post("/gaming-mode")
    async def gaming_mode(mode: GamingMode) -> dict[str, Any]:
        """Frees every GPU, or gives them back."""
        before = set(names())
        if mode.enable:
            await residency.pause(GPUS, timeout=pause_timeout())
        else:
            residency.resume([each for each in residency.paused if _is_gpu(each)])
        stopped = sorted(before - set(names()))
        return {"ok": True, "gaming_mode": mode.enable, "stopped": stopped}

    @router.post("/stop-all")
    async def stop_all() -> dict[str, Any]:
        """Whatever runs; the next request starts it again."""
        before = names()
        await asyncio.gather(*(model.unload(timeout=pause_timeout()) for model in running()))
        return {"ok": True, "stopped": before}

    return router


def _is_gpu(device: str) -> bool:
    return device.partition(":")[0] in GPUS


def _runs(model: Model) -> bool:
    return any(service.state in RUNNING for service in model.services)


def _on_gpu(model: Model) -> bool:
    return any(s.policy.device != "cpu" and s.state in RUNNING for s in model.services)


def _used(model: Model) -> dict[str, Any]:
    """`last_used`: seconds of Unix time; `idle_seconds`: 0 while a request runs."""
    last = max((s.last_used or 0.0 for s in model.services), default=0.0)
    busy = any(service.busy for service in model.services)
    idle = 0.0 if busy else time.monotonic() - last
    return {
        "last_used": round(time.time() - idle, 3) if last or busy else None,
        "idle_seconds": round(idle, 1) if last or busy else None,
    }


def _summary(on_gpu: list[str], *, gaming: bool) -> str:
    if on_gpu:
        return f"on a GPU: {', '.join(on_gpu)}"
    return "gaming mode: every GPU is free" if gaming else "no model is on a GPU"
