"""A command on a terminal of its own, which is read as it writes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.e2e.command import begun
from tests.wait import until

SIZE = (24, 80)


class Terminal:
    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._ours, its = os.openpty()
        termios.tcsetwinsize(its, SIZE)
        self.shown = b""
        self.process: subprocess.Popen[bytes] = begun(
            *arguments,
            cwd=cwd,
            env={"TERM": "xterm", **env},
            stdin=its,
            stdout=its,
            stderr=its,
            before=_own_terminal,
        )
        os.close(its)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # its other end is closed
            while piece := os.read(self._ours, 65536):
                self.shown += piece

    def shows(self, words: bytes) -> None:
        until(lambda: words in self.shown, f"{words!r} is shown")

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def close(self) -> int:
        """The command's exit status; one that does not end is killed."""
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            os.close(self._ours)


def _own_terminal() -> None:
    """So that Ctrl-C is an interrupt."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
