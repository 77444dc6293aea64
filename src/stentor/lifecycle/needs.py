"""What a service needs of others: something to run, a way to start it, and room in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeVar

from stentor.lifecycle.eviction import Bytes


class Running(Protocol):
    """What a start made."""

    async def exited(self) -> int | None:
        """Waits for its end; its exit code, if it has one."""

    def kill(self) -> None:
        """At once; `exited` returns soon."""

    async def stop(self, *, timeout: float = ...) -> None:
        """Asks it to end, kills it after so many seconds, and leaves nothing of it."""

    async def memory(self) -> Bytes:
        """What it takes now, by device; nothing where that cannot be told."""


R_co = TypeVar("R_co", bound=Running, covariant=True)
R = TypeVar("R", bound=Running)


class Launcher(Protocol[R_co]):
    """How a service is started. Both raise ModelUnavailable, and leave nothing when cancelled."""

    async def prepare(self) -> None:
        """What may take long and needs no memory, as an installation."""

    async def launch(self) -> R_co:
        """Returns when it can be used, within a deadline of its own. Raises NoRoom where there was
        less memory than was thought.
        """


class Room(Protocol):
    """Memory, as a service asks for it: see residency.py."""

    async def claim(self, name: str) -> None:
        """Waits its turn; raises NoRoom."""

    async def clear(self, name: str) -> bool:
        """Others that are idle leave its device, though it has its claim. False: there are none."""

    def free(self, name: str) -> None:
        """What was claimed is free again; also where nothing was."""

    def forget(self, name: str) -> None:
        """It was closed."""

    def has_room(self, name: str) -> bool:
        """A claim would not wait for anything that is in use, nor be refused."""

    def changed(self) -> None:
        """Something is idle now that was not."""


class Unbounded:
    """Room for everything: for a service that is alone."""

    async def claim(self, name: str) -> None: ...
    async def clear(self, name: str) -> bool:
        return False

    def free(self, name: str) -> None: ...
    def forget(self, name: str) -> None: ...
    def changed(self) -> None: ...
    def has_room(self, name: str) -> bool:
        return True


@dataclass(frozen=True)
class Policy:
    """What the owner wants of a service."""

    device: str = "cpu"
    memory: int = 0
    """Bytes that it is said to take of its device; 0: not known."""
    idle_timeout: float = math.inf
    """Seconds without a request after which it is stopped; 0: at once."""
    keep_warm: bool = False
    """It is started with the server, and again when it failed."""
    memory_limit: float = math.inf
    """Bytes of one device past which it is started anew, between two requests."""
    exclusive: str | None = None
    """What only one can have at a time, as a port of its own; the same name for the same thing."""

    @property
    def pinned(self) -> bool:
        return self.keep_warm or math.isinf(self.idle_timeout)
