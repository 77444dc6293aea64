from __future__ import annotations

import pytest

from stentor.lifecycle.state import Happening, State, next_state

LEGAL = {
    ("stopped", "start"): "starting",
    ("stopped", "drain"): "stopped",
    ("starting", "loaded"): "ready",
    ("starting", "failed"): "failed",
    ("starting", "withdraw"): "stopped",
    ("ready", "exited"): "failed",
    ("ready", "drain"): "draining",
    ("failed", "start"): "starting",
    ("failed", "drain"): "stopped",
    ("draining", "exited"): "stopped",
    ("draining", "drain"): "draining",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Happening)
def test_every_pair(state: State, happening: Happening) -> None:
    expected = LEGAL.get((state.value, happening.value))
    if expected is None:
        with pytest.raises(ValueError, match=f"{state.value} cannot {happening.value}"):
            next_state(state, happening)
    else:
        assert next_state(state, happening) is State(expected)


def after(state: State, happenings: list[Happening]) -> State:
    for happening in happenings:
        state = next_state(state, happening)
    return state


def test_a_life() -> None:
    start, loaded, failed = Happening.START, Happening.LOADED, Happening.FAILED
    exited, drain = Happening.EXITED, Happening.DRAIN
    assert after(State.STOPPED, [start, failed, start, loaded, exited]) is State.FAILED
    assert after(State.STOPPED, [start, loaded, drain, exited, start]) is State.STARTING


def test_every_state_can_come_to_a_stop() -> None:
    """A start ends in another state first."""
    assert next_state(State.STARTING, Happening.WITHDRAWN) is State.STOPPED
    for state in set(State) - {State.STARTING}:
        drained = next_state(state, Happening.DRAIN)
        end = drained if drained is State.STOPPED else next_state(drained, Happening.EXITED)
        assert end is State.STOPPED
