"""Where to cut a window that is full: the decision alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from stentor.types import Pcm

PAUSE = 4
"""Frames (0.13 s). What is shorter may be the stop of a consonant, inside a word."""
LAST = 94
"""Frames (3 s) at the end of the window, where speech without a pause is cut."""


class Frame(NamedTuple):
    number: int
    """Its place in the file, in frames. A window's frames ascend, with gaps."""
    samples: Pcm
    probability: float
    """Of speech, 0 to 1."""
    speech: bool


class _Pause(NamedTuple):
    length: int
    """In the file, in frames: what a window leaves out counts."""
    cut: int


def cut(frames: Sequence[Frame]) -> int:
    """How many of the frames, at least one, make the window.

    At the longest pause in the last third, or else at the last pause, or else after the frame where
    speech is least likely.
    """
    pauses = [pause for pause in _pauses(frames) if pause.length >= PAUSE]
    late = [pause for pause in pauses if 3 * pause.cut >= 2 * len(frames)]
    if late:
        return max(late).cut
    if pauses:
        return pauses[-1].cut
    first = next((at for at, frame in enumerate(frames) if frame.speech), len(frames) - 1)
    last = range(max(len(frames) - LAST, first), len(frames))
    return min(last, key=lambda at: (frames[at].probability, -at)) + 1


def _pauses(frames: Sequence[Frame]) -> Iterator[_Pause]:
    for speech, run in groupby(range(len(frames)), lambda at: frames[at].speech):
        where = list(run)
        first, last = where[0], where[-1]
        # A window of silence is of no use to anyone.
        if not speech and first:
            length = frames[last].number - frames[first].number + 1
            yield _Pause(length, _middle(frames, where))


def _middle(frames: Sequence[Frame], where: list[int]) -> int:
    """Where frames were left out, if any were: the padding on either side stays whole."""
    gaps = [at for at in where[1:] if frames[at].number != frames[at - 1].number + 1]
    return gaps[0] if gaps else (where[0] + where[-1] + 1) // 2
