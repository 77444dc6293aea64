"""How long what runs gives no sign of life, over calls that nobody waits for long enough."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic

from stentor.errors import WorkerLost
from stentor.lifecycle.needs import R
from stentor.lifecycle.service import Service


class Silence(Generic[R]):
    """Clients may hang up before a call counts as stalled, one after another: what is frozen would
    never be found out. So the time that such calls waited is added up. Between calls nothing is
    due.
    """

    def __init__(self, limit: float) -> None:
        """`limit`: seconds after which what runs is killed."""
        self._limit = limit
        self._running: R | None = None
        self._waited = 0.0
        self._counted = 0.0
        """Until then, by the monotonic clock."""

    def heard(self) -> None:
        """It lives."""
        self._waited, self._counted = 0.0, time.monotonic()

    @contextmanager
    def of_call(self, service: Service[R]) -> Iterator[None]:
        """While a call waits for what runs."""
        running, since = service.running, time.monotonic()
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit, WorkerLost):
            if running is not None and running is service.running:
                self._given_up(service, running, since)
            raise

    def _given_up(self, service: Service[R], running: R, since: float) -> None:
        if running is not self._running:
            self._running, self._waited = running, 0.0
        now = time.monotonic()
        self._waited += now - max(since, self._counted)
        self._counted = now
        if self._waited >= self._limit:
            service.kill(running, "it gave no sign of life to one call after another")
            self.heard()
