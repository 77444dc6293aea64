"""How far a transcription is: a bar on a terminal, a line for each file elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)


class Reporter(Protocol):
    def begin(self, name: str, seconds: float | None) -> None:
        """A file; `seconds`: how long it is, where that is known."""

    def reach(self, position: float) -> None:
        """Seconds into the file up to which it was heard."""

    def end(self, line: str) -> None:
        """Of the file; an empty line says nothing."""


class Lines:
    """On stderr, one when a file is done."""

    def begin(self, name: str, seconds: float | None) -> None:
        pass

    def reach(self, position: float) -> None:
        pass

    def end(self, line: str) -> None:
        if line:
            print(line, file=sys.stderr, flush=True)


class Bar:
    """With the speed and the time that is left."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._task: TaskID | None = None
        self._began = 0.0

    def begin(self, name: str, seconds: float | None) -> None:
        self._began = time.monotonic()
        self._task = self._progress.add_task(name, total=seconds or None, speed="")

    def reach(self, position: float) -> None:
        if self._task is not None:
            shown = f"{speed(position, time.monotonic() - self._began)} real time"
            self._progress.update(self._task, completed=position, speed=shown, refresh=True)

    def end(self, line: str) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        if line:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def reporter(*, bar: bool) -> Iterator[Reporter]:
    if not bar:
        yield Lines()
        return
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        yield Bar(progress, console)


def speed(seconds: float, took: float) -> str:
    """Of audio, against real time."""
    ratio = seconds / max(took, 0.001)
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.1f}×"


def plain(name: str) -> str:
    """A file's name may hold what would steer a terminal."""
    return "".join(char if char.isprintable() else "�" for char in name)
