"""Which backend serves a call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A backend as a choice sees it. Candidates come in the configuration's order."""

    free: int
    """Slots that nobody holds."""
    healthy: bool
    warm: bool
    failed: bool = False
    """It could not serve this request, though it lives: it is full, or cannot do it."""


def choose(candidates: Sequence[Candidate]) -> int | None:
    """The index of the backend to take a slot of; None: wait until one is free.

    The first healthy backend in order of preference, of those that have not failed, if there are
    any. Where none is healthy, the first one: to try it is the only way to learn that it works
    again.
    """
    healthy = [index for index, candidate in enumerate(candidates) if candidate.healthy]
    fresh = [index for index in healthy if not candidates[index].failed]
    for index in fresh or healthy or range(len(candidates)):
        if candidates[index].free > 0:
            return index
    return None
