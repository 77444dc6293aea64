"""What is told of a request while it is answered: figures and names, never content.

Its log line says it, and its metrics count it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Figure = str | int | float

_told: ContextVar[dict[str, Figure] | None] = ContextVar("told", default=None)


@contextmanager
def listening() -> Iterator[dict[str, Figure]]:
    """What `tell` says inside: in this task, and in those that it starts."""
    figures: dict[str, Figure] = {}
    token = _told.set(figures)
    try:
        yield figures
    finally:
        _told.reset(token)


def tell(**figures: Figure) -> None:
    """Outside a request nobody hears it."""
    told = _told.get()
    if told is not None:
        told.update(figures)
