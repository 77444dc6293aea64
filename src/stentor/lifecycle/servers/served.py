"""A server of somebody else's that runs on this machine, in a process or in a container: where it
is reached, and how it is known to be ready.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from stentor.lifecycle.needs import Running

POLL_FIRST = 0.05
POLL_MOST = 1.0
"""Seconds between two looks at whether it is ready; each pause is half as long again as the one
before."""
LOOK_TIMEOUT = 10.0
"""Seconds for one look."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://{self.host}:{self.port}"


class Served(Running, Protocol):
    @property
    def address(self) -> Address: ...


class NotReady(Exception):
    """What it answered, or why it did not."""


Look = Callable[[Address], Awaitable[None]]
"""Returns when the server is ready, or raises NotReady. It has no deadline of its own."""


class StartFailed(Exception):
    """`str(error)` is for the client: nothing that the server itself wrote."""


async def until_ready(addresses: Sequence[Address], look: Look, *, timeout: float) -> Address:
    """The first of the addresses where it is ready. Raises StartFailed after so many seconds, with
    what it answered last.
    """
    said = "nothing"
    try:
        async with asyncio.timeout(timeout):
            for pause in _pauses():
                for address in addresses:
                    try:
                        async with asyncio.timeout(LOOK_TIMEOUT):
                            await look(address)
                        return address
                    except NotReady as error:
                        said = str(error)
                    except TimeoutError:
                        said = f"no answer within {LOOK_TIMEOUT:g} s"
                await asyncio.sleep(pause)
    except TimeoutError:
        raise StartFailed(f"it was not ready within {timeout:g} s; the last look: {said}") from None
    raise AssertionError("the pauses have no end")


def _pauses() -> Iterator[float]:
    pause = POLL_FIRST
    while True:
        yield pause
        pause = min(POLL_MOST, 1.5 * pause)


def free_port() -> int:
    """Of loopback. Another program may take it before it is used: a start may fail for that."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Somebody listens there already: what is asked there would be answered by a stranger."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
