"""The keeper is run as it is in truth: as a program, with a lifeline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from stentor.lifecycle import keeper
from tests.wait import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no keeper on Windows")


@contextmanager
def kept(
    code: str, *, timeout: float = 20.0, elsewhere: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A keeper of a Python program."""
    program = [sys.executable, "-c", code]
    file = ["-c", ELSEWHERE, "keeper"] if elsewhere else [keeper.__file__]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", *file, str(timeout), *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


ELSEWHERE = f"""
import runpy, sys
sys.platform = "elsewhere"
sys.argv = sys.argv[1:]
runpy.run_path({keeper.__file__!r}, run_name="__main__")
"""
"""The keeper, as it is where there is no Linux."""


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def cut(process: subprocess.Popen[str]) -> None:
    """The lifeline."""
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_it_ends_as_the_command_did(code: str, status: int, elsewhere: bool) -> None:
    with kept(code, elsewhere=elsewhere) as process:
        assert process.wait(20) == status


def test_where_there_is_no_linux_the_group_ends_with_the_lifeline() -> None:
    child = "import time; time.sleep(1_000)"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1_000)"
    )
    with kept(code, elsewhere=True) as process:
        pid = int(line(process))
        cut(process)
        process.wait(20)
        until(lambda: not alive(pid), "the command's child has ended")


def alive(pid: int) -> bool:
    """One that has lost its parent may stay a zombie, where nobody asks for its end."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_program_that_is_not_there() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", keeper.__file__, "1", "no-such-program"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == keeper.NOT_FOUND
    assert "no-such-program" in done.stderr


def test_the_end_of_the_lifeline_is_a_sigterm() -> None:
    code = (
        "import signal, time\n"
        "def end(*_): print('in good order', flush=True); raise SystemExit(5)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('runs', flush=True); time.sleep(1_000)"
    )
    with kept(code) as process:
        assert line(process) == "runs"
        cut(process)
        assert line(process) == "in good order"
        assert process.wait(20) == 5


def test_who_does_not_follow_is_killed() -> None:
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('runs', flush=True); time.sleep(1_000)"
    )
    with kept(code, timeout=0.2) as process:
        assert line(process) == "runs"
        cut(process)
        assert process.wait(20) == 137


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets it adopt them")
@pytest.mark.parametrize("how", ["cut", "by itself"])
def test_what_the_command_left_behind_ends_too(how: str) -> None:
    """Also what fled into a session of its own, and lost its parent."""
    orphan = "import time; time.sleep(1_000)"
    middle = (
        "import subprocess, sys\n"
        f"orphan = subprocess.Popen([sys.executable, '-c', {orphan!r}], start_new_session=True)\n"
        "print(orphan.pid, flush=True)"
    )
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.run([sys.executable, '-c', {middle!r}])\n"
        f"time.sleep({1_000 if how == 'cut' else 0})"
    )
    with kept(code) as process:
        pid = int(line(process))
        if how == "cut":
            cut(process)
        process.wait(20)
        assert not psutil.pid_exists(pid)
