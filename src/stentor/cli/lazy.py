"""Commands are imported when they run, so that `--help` is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import NoReturn


def run(
    command: str, *arguments: object, told_as: str | None = None, **options: object
) -> NoReturn:
    """`told_as`: what was typed, where it is not the module's name."""
    try:
        from stentor.cli.failure import attempt

        def work() -> int:
            chosen: Callable[..., int] = importlib.import_module(f"stentor.cli.{command}").run
            return chosen(*arguments, **options)

        sys.exit(attempt(told_as or command.replace("_", " "), work))
    except KeyboardInterrupt:  # before anything could be begun
        sys.exit(130)
