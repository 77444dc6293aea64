"""The states of a local service, and what changes them. Pure.

    stopped ──start──▶ starting ──loaded──▶ ready ──drain──▶ draining ──exited──▶ stopped
       ▲                 │    │               │
       └───withdrawn─────┘    └──failed──▶ failed ◀──exited──┘      failed ──start──▶ starting

What fails is started again after a pause that grows with the failures in a row; the first time at
once, because one crash says nothing yet. A start that is withdrawn (it found no memory, nobody
waits for it any more, the GPU was paused) is no failure.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Happening(Enum):
    START = "start"
    LOADED = "loaded"
    FAILED = "failed"
    WITHDRAWN = "withdraw"
    EXITED = "exited"
    DRAIN = "drain"


_NEXT: dict[tuple[State, Happening], State] = {
    (State.STOPPED, Happening.START): State.STARTING,
    (State.FAILED, Happening.START): State.STARTING,
    (State.STARTING, Happening.LOADED): State.READY,
    (State.STARTING, Happening.FAILED): State.FAILED,
    (State.STARTING, Happening.WITHDRAWN): State.STOPPED,
    (State.READY, Happening.EXITED): State.FAILED,
    (State.READY, Happening.DRAIN): State.DRAINING,
    (State.FAILED, Happening.DRAIN): State.STOPPED,
    (State.STOPPED, Happening.DRAIN): State.STOPPED,
    (State.DRAINING, Happening.EXITED): State.STOPPED,
    (State.DRAINING, Happening.DRAIN): State.DRAINING,
}


def next_state(state: State, happening: Happening) -> State:
    """Raises ValueError for what cannot happen in that state: a defect of the caller."""
    try:
        return _NEXT[state, happening]
    except KeyError:
        raise ValueError(f"what is {state.value} cannot {happening.value}") from None
