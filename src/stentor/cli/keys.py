"""Keys that are pressed on a terminal while a command runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def pressed(key: str, then: Callable[[], None]) -> Iterator[bool]:
    """`then` is called on the event loop when the key is pressed; False where that cannot be heard,
    because stdin is no terminal or the system has no such thing.
    """
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    stdin, loop = sys.stdin.fileno(), asyncio.get_running_loop()

    def read() -> None:
        if key.encode() in os.read(stdin, 1024):
            then()

    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin, termios.TCSANOW)  # as they are pressed, and Ctrl-C stays an interrupt
    try:
        loop.add_reader(stdin, read)
        yield True
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSANOW, before)
