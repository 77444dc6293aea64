"""`/api/status`, `/api/pause`, `/api/resume`, `/api/reload`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, BaseModel, Field

from stentor import __version__
from stentor.api.admin.state import Device, ModelState, device_states, model_state
from stentor.config import ConfigurationError
from stentor.errors import Conflict, InvalidRequest
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


DeviceName = Annotated[str, AfterValidator(_device)]


class Pause(BaseModel):
    devices: list[DeviceName] = list(GPUS)
    """Names or kinds, as cuda:0, cuda, cpu; every GPU where none is named."""
    timeout: float | None = Field(None, ge=0, le=3600)
    """Seconds for running requests to end in, in place of lifecycle.pause_timeout."""


def _paused_as(paused: Collection[str], devices: Collection[str]) -> str | None:
    """The kind that is paused where one of these devices is named for it."""
    kinds = {each.partition(":")[0] for each in devices if each not in paused}
    return next(iter(sorted((kinds - set(devices)) & set(paused))), None)


class Resume(BaseModel):
    devices: list[DeviceName] | None = None
    """Names or kinds; all that is paused where none is named."""


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
    async def resume(how: Annotated[Resume | None, Body()] = None) -> Status:
        """Takes devices back into use; not one alone of a kind that is paused as a whole."""
        devices = None if how is None else how.devices
        if (kind := _paused_as(residency.paused, devices or ())) is not None:
            raise Conflict(f"all of {kind} is paused, and is to be resumed as a whole")
        residency.resume(devices)
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
