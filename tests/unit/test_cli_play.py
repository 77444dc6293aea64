from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stentor.cli.play import Clock

GIVEN = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1)
"""Seconds of audio, and seconds until more comes."""


def test_audio_is_heard_when_it_was_given() -> None:
    clock = Clock()
    clock.give(2.0, now=10.0)
    assert clock.when(0.5) == 10.5
    clock.give(2.0, now=11.0)  # in time: it is heard after what was there
    assert clock.when(2.5) == 12.5


def test_a_player_that_had_to_wait_is_late_from_then_on() -> None:
    clock = Clock()
    clock.give(1.0, now=10.0)
    clock.give(1.0, now=14.0)
    assert clock.when(1.5) == 14.5


@given(GIVEN)
def test_nothing_is_heard_before_it_is_given_and_time_goes_on(
    pieces: list[tuple[float, float]],
) -> None:
    clock, now, position = Clock(), 0.0, 0.0
    heard = []
    for seconds, pause in pieces:
        clock.give(seconds, now)
        assert clock.when(position) >= now - 1e-6
        heard.append(clock.when(position))
        position += seconds
        now += pause
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(heard))
