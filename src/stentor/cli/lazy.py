"""Commands are imported when they run, so that `--help` is quick."""

from __future__ import annotations

import gc
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
            return _imported(command)(*arguments, **options)

        sys.exit(attempt(told_as or command.replace("_", " "), work))
    except KeyboardInterrupt:  # before anything could be begun
        sys.exit(130)


def _imported(command: str) -> Callable[..., int]:
    """It stays: to look for garbage among it would take a tenth of the time."""
    gc.disable()
    try:
        chosen: Callable[..., int] = importlib.import_module(f"stentor.cli.{command}").run
    finally:
        gc.freeze()
        gc.enable()
    return chosen
