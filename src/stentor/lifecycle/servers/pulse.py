"""Whether a server lives that is asked things whose answer nobody knows to be due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stentor.lifecycle.servers.served import Address, Look, NotReady, Served
from stentor.lifecycle.service import Service


class Pulse:
    """It may be silent for long, if only it answers where its health is asked. One that does not
    may still send. What gives no sign of life at all is killed.
    """

    def __init__(self, service: Service[Served], look: Look, *, limit: float) -> None:
        """`limit`: seconds of silence after which it is looked at, and seconds for the look."""
        self._service = service
        self._look = look
        self._limit = limit
        self._heard = 0.0
        self._asking = 0
        self._watched: Served | None = None
        self._watching: asyncio.Task[None] | None = None
        self._killed: Served | None = None

    def heard(self) -> None:
        """It sends."""
        self._heard = time.monotonic()

    @contextmanager
    def asked(self, running: Served) -> Iterator[None]:
        """While somebody waits for it."""
        if running is not self._watched or self._watching is None or self._watching.done():
            self.close()
            self._watched = running
            self._watching = asyncio.create_task(self._watch(running))
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def killed(self, running: Served) -> bool:
        return running is self._killed

    def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self, running: Served) -> None:
        """Until it gave a sign of life and nobody asks it anything: who hangs up before that does
        not save it.
        """
        self.heard()
        while True:
            await asyncio.sleep(max(0.0, self._heard + self._limit - time.monotonic()))
            last = self._heard
            if time.monotonic() - last >= self._limit:
                answers = await self._answers(running.address)
                if running is not self._service.running:
                    return
                if not answers and self._heard == last:
                    self._killed = running
                    self._service.kill(running, "it sent nothing, and did not tell its health")
                    return
                self.heard()
            if not self._asking:
                return

    async def _answers(self, address: Address) -> bool:
        try:
            async with asyncio.timeout(self._limit):
                await self._look(address)
        except NotReady:
            pass  # it says so itself, or has ended, which is seen elsewhere
        except TimeoutError:
            return False
        return True
