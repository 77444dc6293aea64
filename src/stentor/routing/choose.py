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


def choose(candidates: Sequence[Candidate]) -> int | None:
    """The index of the backend to take a slot of; None: wait until one is free.

    The first healthy backend in order of preference. Where none is healthy, the first one: to try
    it is the only way to learn that it works again.
    """
    healthy = [index for index, candidate in enumerate(candidates) if candidate.healthy]
    for index in healthy or range(len(candidates)):
        if candidates[index].free > 0:
            return index
    return None
