"""`/api/status`, `/api/pause`, `/api/resume`, `/api/reload`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, BaseModel, Field

from stentor import __version__
from stentor.api.admin.state import Device, ModelState, device_states, model_state
from stentor.config import ConfigurationError
from stentor.errors import InvalidRequest
from stentor.lifecycle.residency import GPUS, Residency
from stentor.live_config import LiveConfig
from stentor.routing.models import Models


class Status(BaseModel):
    version: str
    paused: list[str]
    """Devices, or kinds of them, on which nothing may start."""
    devices: dict[str, Device]
    models: list[ModelState]


def _device(name: str) -> str:
    """A typing error would free nothing. Raises ValueError."""
    if not re.fullmatch(r"(cpu|mps|cuda)(:\d+)?", name):
        raise ValueError(f"{name!r} is no device: there are cuda, cuda:0, mps and cpu")
    return name


class Pause(BaseModel):
    devices: list[Annotated[str, AfterValidator(_device)]] = list(GPUS)
    """Names or kinds, as cuda:0, cuda, cpu; every GPU where none is named."""
    timeout: float | None = Field(None, ge=0, le=3600)
    """Seconds for running requests to end in, in place of lifecycle.pause_timeout."""


class Reloaded(BaseModel):
    """Names of models; `needs_restart`: sections whose news count from the next start only."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    needs_restart: list[str]


def control_router(
    models: Models, residency: Residency, live: LiveConfig, *, pause_timeout: Callable[[], float]
) -> APIRouter:
    router = APIRouter(tags=["admin"])

    @router.get("/api/status")
    async def status() -> Status:
        kept = live.kept()
        return Status(
            version=__version__,
            paused=sorted(residency.paused),
            devices=device_states(residency),
            models=[model_state(model, kept=model.name in kept) for model in models],
        )

    @router.post("/api/pause")
    async def pause(how: Annotated[Pause | None, Body()] = None) -> Status:
        """Frees devices for something else; answers when they are free. Requests that run end or
        go on elsewhere; new ones go elsewhere, or are answered with 503.
        """
        asked = how or Pause()
        timeout = pause_timeout() if asked.timeout is None else asked.timeout
        await residency.pause(asked.devices, timeout=timeout)
        return await status()

    @router.post("/api/resume")
    async def resume() -> Status:
        residency.resume()
        return await status()

    @router.post("/api/reload")
    async def reload() -> Reloaded:
        """Reads the configuration again. A bad one is refused whole."""
        try:
            changes = live.reload()
        except ConfigurationError as error:
            raise InvalidRequest(f"the configuration is wrong: {str(error).strip()}") from error
        return Reloaded(
            added=sorted(changes.added),
            changed=sorted(changes.changed),
            removed=sorted(changes.removed),
            needs_restart=list(changes.needs_restart),
        )

    return router
