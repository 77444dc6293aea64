"""The command line in a process of its own, and a player for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

TIMEOUT = 100.0
TEXT = "One two three four five six seven eight nine ten."
NOTHING: Mapping[str, str] = MappingProxyType({})


def begun(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] = NOTHING,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Of the caller's environment it has all but Stentor's settings; no server is near."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
    return subprocess.Popen(
        [sys.executable, "-m", "stentor.cli.main", *arguments],
        cwd=cwd,
        env={**clean, "STENTOR_PORT": "9", **env},  # nobody listens there
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=before,
    )


def stentor(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] = NOTHING,
    stdin: bytes = b"",
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Run to its end."""
    process = begun(*arguments, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=stdout)
    with process:
        try:
            out, told = process.communicate(stdin, TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, told)


def player(folder: Path, script: str) -> dict[str, str]:
    """The environment in which the preferred player is a script."""
    program = folder / "paplay"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}
