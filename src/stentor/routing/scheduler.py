"""Whose turn it is: one scheduler per model.

A request is admitted once; here alone it can be told that the queue is full. Then it leases a slot
per segment: live requests before jobs before warm-up, and round robin between requests of a kind,
so a long text does not keep a short one waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from stentor.backends.base import Backend
from stentor.errors import (
    EngineFailed,
    ModelUnavailable,
    OutOfMemory,
    QueueFull,
    ShuttingDown,
    StentorError,
)
from stentor.lifecycle.starts import expected_end
from stentor.routing.choose import Candidate, choose
from stentor.types import Priority
from stentor_engine import Capabilities

ELSEWHERE = (EngineFailed, ModelUnavailable)
"""After these the same backend would fail again, and another may not."""
RETRY_AFTER_MOST = 60.0
"""Seconds: clients take more than a minute for never."""


class Scheduler:
    """Used on the event loop only."""

    def __init__(self, backends: Sequence[Backend], *, queue_limit: int) -> None:
        """`queue_limit`: how many requests may wait beside those that hold a slot."""
        self._backends = list(backends)
        self._held = [0] * len(self._backends)
        self._queue_limit = queue_limit
        self._admitted: set[Admission] = set()
        self._turns: dict[Priority, deque[Admission]] = {p: deque() for p in Priority}
        self._usual = 0.0
        """Seconds that requests lately took, once they were served; 0: there was none yet."""
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()
        for backend in self._backends:
            backend.on_change(self._dispatch)

    @property
    def slots(self) -> int:
        return sum(backend.slots for backend in self._backends)

    @property
    def busy(self) -> int:
        """Slots that are held."""
        return sum(self._held)

    @property
    def backends(self) -> int:
        return len(self._backends)

    def by_health(self) -> list[int]:
        """Indices of the backends: the healthy ones, then the others, each in their order."""
        return sorted(range(len(self._backends)), key=lambda i: not self._backends[i].healthy)

    def any_healthy(self, *, but: Collection[int]) -> bool:
        return any(b.healthy for index, b in enumerate(self._backends) if index not in but)

    @property
    def admitted(self) -> int:
        return len(self._admitted)

    @property
    def waiting(self) -> int:
        return sum(len(a.waiters) for turns in self._turns.values() for a in turns)

    def admit(self, priority: Priority = Priority.LIVE) -> Admission:
        """A place in the queue, held until the admission is left; raises QueueFull."""
        if self._closing:
            raise ShuttingDown("the server is shutting down")
        if len(self._admitted) >= self.slots + self._queue_limit:
            raise QueueFull(
                "too many requests wait for this model", retry_after=self._retry_after()
            )
        admission = Admission(self, priority)
        self._admitted.add(admission)
        self._empty.clear()
        return admission

    def close(self) -> None:
        """Admits nothing more."""
        self._closing = True

    async def empty(self) -> None:
        """Waits until no request has a place."""
        await self._empty.wait()

    def _retry_after(self) -> float:
        """Seconds until a place should be free: until the first of those that are served has ended,
        or could have, where its model is still on its way into memory.
        """
        now = time.monotonic()
        ready_at = min(backend.ready_at for backend in self._backends)
        begun = [max(each.begun, ready_at) for each in self._admitted if each.begun is not None]
        ends = [expected_end(each, self._usual, now) for each in begun]
        free_at = min(ends, default=max(now, ready_at) + self._usual)
        return min(RETRY_AFTER_MOST, free_at - now)

    def leave(self, admission: Admission) -> None:
        self._admitted.discard(admission)
        if not self._admitted:
            self._empty.set()

    def ended(self, began: float, used: Iterable[int]) -> None:
        """A request, whose first call began then, by backends of these indices."""
        ready_at = max((self._backends[index].ready_at for index in used), default=0.0)
        seconds = time.monotonic() - max(began, ready_at)
        if seconds > 0:  # else it says nothing: the model has just gone
            self._usual += (0.2 if self._usual else 1.0) * (seconds - self._usual)

    def enqueue(self, admission: Admission) -> None:
        """The admission has a waiter more."""
        turns = self._turns[admission.priority]
        if admission not in turns:
            turns.append(admission)
        self._dispatch()

    def forget(self, admission: Admission, waiter: asyncio.Future[int]) -> None:
        """It waits no more."""
        admission.waiters.remove(waiter)
        if not admission.waiters:
            self._turns[admission.priority].remove(admission)

    def release(self, index: int) -> None:
        self._held[index] -= 1
        self._dispatch()

    def backend(self, index: int) -> Backend:
        return self._backends[index]

    def enter(self, admission: Admission, index: int) -> Backend:
        """From now to its end the request does not lose that backend to another one."""
        backend = self._backends[index]
        if index not in admission.entered:
            admission.entered.add(index)
            backend.enter()
        return backend

    def _dispatch(self) -> None:
        while self.busy < self.slots and (turn := self._next_turn()) is not None:
            admission, index = turn
            waiter = admission.waiters.popleft()
            turns = self._turns[admission.priority]
            turns.remove(admission)
            if admission.waiters:
                turns.append(admission)
            if not waiter.done():
                self._held[index] += 1
                self.enter(admission, index)
                admission.begin()
                waiter.set_result(index)

    def _next_turn(self) -> tuple[Admission, int] | None:
        """Who can be served now, and by which backend."""
        for turns in self._turns.values():
            for admission in turns:
                if (index := choose(self._candidates(admission))) is not None:
                    return admission, index
        return None

    def _candidates(self, admission: Admission) -> list[Candidate]:
        return [
            Candidate(
                free=backend.slots - held if self._may_use(admission, index) else 0,
                healthy=backend.healthy and backend.open,
                warm=backend.warm,
                failed=index in admission.failed,
            )
            for index, (backend, held) in enumerate(zip(self._backends, self._held, strict=True))
        ]

    def _may_use(self, admission: Admission, index: int) -> bool:
        """Who is inside one that runs does not wait for the memory of another: that may be the very
        memory which it keeps from leaving.
        """
        backend, entered = self._backends[index], admission.entered
        if index in entered:
            return True
        inside = any(self._backends[each].warm for each in entered)
        return backend.open and (backend.healthy or not inside)


class Admission:
    """One request's place. Leaving the context gives it back."""

    def __init__(self, scheduler: Scheduler, priority: Priority) -> None:
        self.priority = priority
        self.waiters: deque[asyncio.Future[int]] = deque()
        self.entered: set[int] = set()
        """Indices of the backends that the request has used, or is about to."""
        self.failed: set[int] = set()
        """Indices of those that could not serve it, though they live."""
        self._scheduler = scheduler
        self.begun: float | None = None
        """Seconds of the monotonic clock when it got its first slot."""

    @asynccontextmanager
    async def lease(self) -> AsyncGenerator[Backend, None]:
        """A slot of the backend that was chosen, for one call."""
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        self._scheduler.enqueue(self)
        try:
            index = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._scheduler.release(waiter.result())
            elif waiter in self.waiters:
                self._scheduler.forget(self, waiter)
            raise
        try:
            yield self._scheduler.backend(index)
        except (*ELSEWHERE, OutOfMemory, QueueFull):
            self.failed.add(index)
            raise
        finally:
            self._scheduler.release(index)

    def again(self, error: StentorError) -> bool:
        """Whether a call that ended so may go well when it is made again: here, or elsewhere."""
        elsewhere = self._scheduler.any_healthy(but=self.failed)
        return error.retryable or (isinstance(error, ELSEWHERE) and elsewhere)

    async def ask(self) -> Capabilities:
        """Those of the first backend that can be started, of healthy ones before others; raises
        ModelUnavailable.
        """
        errors: list[ModelUnavailable] = []
        for index in self._scheduler.by_health():
            try:
                return await self._scheduler.enter(self, index).ensure_ready()
            except ModelUnavailable as error:
                errors.append(error)
        raise ModelUnavailable.joined(errors)

    def begin(self) -> None:
        """It has a slot."""
        if self.begun is None:
            self.begun = time.monotonic()

    def leave(self) -> None:
        if self.begun is not None:
            self._scheduler.ended(self.begun, self.entered)
        for index in self.entered:
            self._scheduler.backend(index).leave()
        self.entered.clear()
        self._scheduler.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()
