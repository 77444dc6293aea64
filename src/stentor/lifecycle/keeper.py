"""Runs a command and ends with it wholly. A program of its own, of the standard library only:

    python keeper.py SECONDS PROGRAM ARGUMENT…

Its stdin is the lifeline: when that closes, because whoever started it wants the end or is itself
gone, the command gets SIGTERM and SECONDS to follow it, and then nothing of it is left. When the
command ends by itself, so does what it left behind, and the keeper with the command's exit code
(128 and the signal's number, as in a shell; 127 where there is no such program).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

NOT_FOUND = 127
_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36


def kept(command: Sequence[str], *, timeout: float) -> list[str]:
    """The command under a keeper, where there are groups of processes; seconds."""
    if os.name != "posix":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, f"{timeout:g}", *command]


def main(timeout: float, command: list[str]) -> int:
    _prctl(_SET_CHILD_SUBREAPER, 1)  # what the command leaves behind becomes ours
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    # Service managers send SIGTERM to all of a group: the command has its own, and we stay to see
    # it end. A handler, unlike SIG_IGN, is not inherited by the command.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: _prctl(_SET_PDEATHSIG, signal.SIGKILL),  # there is one thread
        )
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201
        return NOT_FOUND
    by_itself = _ended_by_itself(child, woken)
    with contextlib.suppress(ProcessLookupError):  # it ended just then
        if not by_itself:
            child.terminate()
            _wait(child, woken, time.monotonic() + timeout)
            child.kill()
    code = child.wait()
    if sys.platform == "linux":
        _end_the_rest()
    elif not by_itself:
        # The group is ours: whoever started us gave us one. Who still lives, and is told the code,
        # ends what is left of it.
        os.killpg(0, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _ended_by_itself(child: subprocess.Popen[bytes], woken: int) -> bool:
    """False: the lifeline was closed first."""
    while child.poll() is None:
        readable, _, _ = select.select([0, woken], [], [])
        if 0 in readable and not os.read(0, 4096):
            return False
        if woken in readable:
            os.read(woken, 4096)
    return True


def _wait(child: subprocess.Popen[bytes], woken: int, deadline: float) -> None:
    while child.poll() is None and (left := deadline - time.monotonic()) > 0:
        if select.select([woken], [], [], left)[0]:
            os.read(woken, 4096)


def _end_the_rest() -> None:
    """Each that is killed may leave children of its own to us."""
    while True:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Of this process; none can be told where there is no Linux: its group is ended instead."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
