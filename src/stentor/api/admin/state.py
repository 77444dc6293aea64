"""How the models stand, as JSON."""

from __future__ import annotations

import math
import time

from pydantic import BaseModel

from stentor.backends.base import Backend
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import AnyService
from stentor.routing.models import Model
from stentor_engine.contract import Task


class Queue(BaseModel):
    """Requests that were let in, calls that wait for a slot, slots, and those in use."""

    admitted: int
    waiting: int
    slots: int
    busy: int


class ServiceState(BaseModel):
    """What runs on this machine for a backend. Memory in bytes by device."""

    state: str
    reason: str
    """Why it does not run; empty: nothing happened yet, or it runs."""
    device: str
    pinned: bool
    keep_warm: bool
    idle_timeout: float | None
    """Seconds; null: never."""
    users: int
    idle_seconds: float | None
    """Since the last request ended; null: there was none, or one runs."""
    start_seconds: float
    """What its last start took."""
    need: dict[str, int]
    """What it is known to take."""
    used: dict[str, int]
    """What it takes now."""


class BackendState(BaseModel):
    name: str
    healthy: bool
    slots: int
    service: ServiceState | None
    """Null: it runs elsewhere."""


class ModelState(BaseModel):
    name: str
    task: Task | None
    aliases: list[str]
    languages: list[str]
    word_times: bool | None
    """It tells when each word is heard; null: not known before it was started."""
    missing: str
    """What a start would lack, or would fetch first; empty: nothing."""
    kept: bool
    """It was created here, not by the configuration's file."""
    queue: Queue
    backends: list[BackendState]


def model_state(model: Model, *, kept: bool) -> ModelState:
    scheduler = model.scheduler
    return ModelState(
        name=model.name,
        task=model.task,
        aliases=list(model.aliases),
        languages=list(model.known.languages) if model.known else [],
        word_times=model.known.word_times if model.known else None,
        missing=model.missing(),
        kept=kept,
        queue=Queue(
            admitted=scheduler.admitted,
            waiting=scheduler.waiting,
            slots=scheduler.slots,
            busy=scheduler.busy,
        ),
        backends=[_backend_state(backend) for backend in model.backends],
    )


def _backend_state(backend: Backend) -> BackendState:
    service = backend.service
    return BackendState(
        name=backend.name,
        healthy=backend.healthy,
        slots=backend.slots,
        service=None if service is None else _service_state(service),
    )


def _service_state(service: AnyService) -> ServiceState:
    policy, last = service.policy, service.last_used
    idle = None if last is None or service.busy else round(time.monotonic() - last, 3)
    return ServiceState(
        state=service.state.value,
        reason=service.reason,
        device=policy.device,
        pinned=policy.pinned,
        keep_warm=policy.keep_warm,
        idle_timeout=None if math.isinf(policy.idle_timeout) else policy.idle_timeout,
        users=service.users,
        idle_seconds=idle,
        start_seconds=round(service.starts.took, 3),
        need=dict(service.footprint.need),
        used=dict(service.footprint.used),
    )


class Device(BaseModel):
    """Bytes: the most that models may take, what they take now, what is promised to them, and what
    other programs take of a GPU.
    """

    budget: int
    used: int
    claimed: int
    others: int


def device_states(residency: Residency) -> dict[str, Device]:
    services, claimed = residency.services.values(), residency.claimed
    return {
        name: Device(
            budget=most,
            used=sum(service.footprint.used.get(name, 0) for service in services),
            claimed=claimed.get(name, 0),
            others=residency.taken_by_others.get(name, 0),
        )
        for name, most in residency.budget.items()
    }
