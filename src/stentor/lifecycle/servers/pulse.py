"""Whether a server lives that is asked things whose answer nobody knows to be due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stentor.errors import WorkerStalled
from stentor.lifecycle.servers.served import Address, Look, NotReady, Served
from stentor.lifecycle.service import Service


class Pulse:
    """It may be silent for long, if only it answers where its health is asked. One that does not
    may still send, or take what is sent. What gives no sign of life at all is killed.
    """

    def __init__(self, service: Service[Served], look: Look, *, limit: float) -> None:
        """`limit`: seconds of silence after which it is looked at, and seconds for the look."""
        self._service = service
        self._look = look
        self._limit = limit
        self._heard = 0.0
        self._asked = 0.0
        """Seconds of the monotonic clock, when that was last."""
        self._waits: set[asyncio.Timeout] = set()
        self._watched: Served | None = None
        self._watching: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """It lives."""
        self._heard = time.monotonic()

    @asynccontextmanager
    async def asked(self, running: Served) -> AsyncIterator[None]:
        """While somebody waits for it. Raises WorkerStalled when it gives no sign of life."""
        self._begin(running)
        patience = asyncio.timeout(None)
        try:
            async with patience:
                self._waits.add(patience)
                yield
        except TimeoutError as error:
            if patience.expired():
                raise WorkerStalled("it sent nothing, and did not tell its health") from error
            raise
        finally:
            self._waits.discard(patience)

    def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    def _begin(self, running: Served) -> None:
        """Its silence counts from now, but for those who hang up, one after another."""
        if running is not self._watched or self._watching is None or self._watching.done():
            self.close()
            self._watched = running
            self._watching = asyncio.create_task(self._watch(running))
            self.heard()
        elif not self._waits and self._heard >= self._asked:
            self.heard()
        self._asked = time.monotonic()

    async def _watch(self, running: Served) -> None:
        """Until it gave a sign of life and nobody asks it anything: who hangs up before that does
        not save it.
        """
        while True:
            await asyncio.sleep(max(0.0, self._heard + self._limit - time.monotonic()))
            last = self._heard
            if time.monotonic() - last >= self._limit:
                answers = await self._answers(running.address)
                if running is not self._service.running:
                    return
                if not answers and self._heard == last:
                    self._give_up(running)
                    return
                self.heard()
            if not self._waits:
                return

    def _give_up(self, running: Served) -> None:
        if not self._waits:
            self._service.kill(running, "it sent nothing, and did not tell its health")
        for patience in self._waits:  # who waits kills it
            patience.reschedule(asyncio.get_running_loop().time())

    async def _answers(self, address: Address) -> bool:
        try:
            async with asyncio.timeout(self._limit):
                await self._look(address)
        except NotReady:
            pass  # it says so itself, or has ended, which is seen elsewhere
        except TimeoutError:
            return False
        return True
