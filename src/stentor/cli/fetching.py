"""How far a download is: a bar on a terminal, lines elsewhere. On stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar

from stentor.cli.progress import plain
from stentor.cli.tables import MIB, mebibytes
from stentor.lifecycle.weights.fetch import Progress, Told, Waiting

STEP = 100 * MIB
"""Of a file, between two lines."""
WAITS = "  another process fetches the same: waiting for it"


@contextmanager
def told() -> Iterator[Told]:
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    with Bar(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        yield Bars(bar)


class Lines:
    """One for each file, and for each step of a large one."""

    def __init__(self) -> None:
        self._file = ""
        self._next = 0
        self._waits = False

    def __call__(self, told: Progress | Waiting) -> None:
        if isinstance(told, Waiting):
            if not self._waits:
                _say(WAITS)
            self._waits = True
            return
        if told.file != self._file:
            self._file, self._next = told.file, told.done + STEP
        if told.done == told.total:
            _say(f"  {plain(told.file)}: {mebibytes(told.done)}")
            self._next = told.done + STEP
        elif told.done >= self._next:
            total = "" if told.total is None else f" of {mebibytes(told.total)}"
            _say(f"  {plain(told.file)}: {mebibytes(told.done)}{total}")
            self._next = told.done + STEP


class Bars:
    """One for each file, until it is done."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._file = ""
        self._task: TaskID | None = None

    def __call__(self, told: Progress | Waiting) -> None:
        name = WAITS.strip() if isinstance(told, Waiting) else told.file
        if self._task is None or name != self._file:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._file = name
            self._task = self._bar.add_task(plain(name), total=None)
        if isinstance(told, Progress):
            self._bar.update(self._task, completed=told.done, total=told.total)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
