from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.join import FADE, LEAD, SILENCE, Joiner
from stentor.types import Pcm

from .sounds import noise, split, tone

RATE = 8_000
LEAD_IN, RAMP = round(LEAD * RATE), round(FADE * RATE)


@dataclass(frozen=True)
class Segment:
    """Silence, content, silence; the content is silent inside, at most."""

    before: Pcm
    content: Pcm
    after: Pcm
    pause: int

    @property
    def pcm(self) -> Pcm:
        return np.concatenate((self.before, self.content, self.after))


def hush(count: int) -> Pcm:
    """What is silent, but not zero."""
    return np.resize(np.array([SILENCE, -3, -SILENCE, 7], np.int16), count)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    loud = st.one_of(st.integers(SILENCE + 1, 32_767), st.integers(-32_768, -SILENCE - 1))
    content = draw(st.lists(st.one_of(loud, st.integers(-SILENCE, SILENCE)), max_size=60))
    content = [draw(loud), *content, draw(loud)]
    if draw(st.booleans()):
        content[1:1] = [5] * draw(st.integers(0, 500))
    length = st.sampled_from([0, 1, 30, LEAD_IN, LEAD_IN + 1, 400])
    return Segment(
        hush(draw(length)),
        np.array(content, np.int16),
        hush(draw(length)),
        draw(st.sampled_from([0, 1, RAMP - 1, RAMP, 100, 500])),
    )


cuts = st.lists(st.integers(0, 1_500), max_size=6)


def spoken(joiner: Joiner, segment: Segment, cuts: list[int]) -> Pcm:
    pushed = [joiner.push(chunk) for chunk in split(segment.pcm, cuts)]
    return np.concatenate((*pushed, joiner.end(segment.pause / RATE)))


@settings(deadline=None)
@given(st.lists(segments(), max_size=4), cuts)
def test_content_is_exact_and_so_are_pauses(parts: list[Segment], cuts: list[int]) -> None:
    joiner = Joiner(RATE)
    for segment in parts:
        out = spoken(joiner, segment, cuts)

        lead = min(len(segment.before), LEAD_IN) or RAMP
        pause = max(segment.pause, RAMP)
        assert len(out) == lead + len(segment.content) + pause
        assert np.array_equal(out[lead:-pause], segment.content)
        if len(segment.before):
            assert np.array_equal(out[:lead], segment.before[-lead:])
        if len(segment.after):
            kept = min(len(segment.after), pause)
            assert np.array_equal(out[-pause:][:kept], segment.after[:kept])
            assert not out[-pause:][kept:].any()


@settings(deadline=None)
@given(segments(), cuts)
def test_pushes_leave_no_trace(segment: Segment, cuts: list[int]) -> None:
    assert np.array_equal(spoken(Joiner(RATE), segment, cuts), spoken(Joiner(RATE), segment, []))


@settings(deadline=None)
@given(segments(), segments())
def test_joins_do_not_click(one: Segment, other: Segment) -> None:
    """No step that we made is larger than those of a ramp from full scale, or of silence."""
    joiner = Joiner(RATE)
    out = np.concatenate((spoken(joiner, one, []), spoken(joiner, other, [])))
    starts = [0, len(spoken(Joiner(RATE), one, []))]

    ours = np.ones(len(out) + 1, bool)  # the steps inside content, and from it to its own silence
    for segment, start in zip((one, other), starts, strict=True):
        lead = min(len(segment.before), LEAD_IN) or RAMP
        first, last = start + lead, start + lead + len(segment.content)
        ours[first + (len(segment.before) == 0) : last + (len(segment.after) > 0)] = False
        ours[first] &= len(segment.before) == 0
    steps = np.abs(np.diff(out.astype(int), prepend=0, append=0))

    assert steps[ours].max() <= max(np.pi / 2 * 32_768 / RAMP, 2 * SILENCE)


def test_a_segment_that_ends_in_full_sound_fades_within_its_pause() -> None:
    joiner = Joiner(24_000)
    speech = tone(24_000, 0.1001, 100, 20_000)
    out = np.concatenate((joiner.push(speech), joiner.end(0.3)))

    pause = out[-7_200:]
    assert abs(int(pause[0]) - int(speech[-1])) < 100
    assert np.all(np.diff(np.abs(pause[:120])) <= 0)
    assert not pause[120:].any()


def test_speech_is_handed_on_at_once() -> None:
    joiner = Joiner(24_000)
    speech = noise(480, 5_000)
    speech[-1] = 5_000

    assert len(joiner.push(np.zeros(24_000, np.int16))) == 0
    assert np.array_equal(joiner.push(speech)[240:], speech)
    assert np.array_equal(joiner.push(speech), speech)


@settings(deadline=None)
@given(st.integers(0, 2_000), st.sampled_from([0, 1, 100, 8_000]))
def test_a_silent_segment_leaves_its_pause_alone(silence: int, pause: int) -> None:
    joiner = Joiner(RATE)

    assert len(joiner.push(hush(silence))) == 0
    assert np.array_equal(joiner.end(pause / RATE), np.zeros(pause, np.int16))


def test_long_silence_inside_a_segment_keeps_its_length() -> None:
    joiner = Joiner(RATE)
    click = np.array([1_000], np.int16)
    joiner.push(click)
    for _ in range(100):
        assert len(joiner.push(hush(RATE))) == 0
    out = joiner.push(click)

    assert len(out) == 100 * RATE + 1
    assert np.array_equal(out[: 2 * RATE], hush(2 * RATE))
    assert np.abs(out[:-1]).max() <= SILENCE


def test_held_back_silence_takes_bounded_memory() -> None:
    joiner = Joiner(RATE)
    joiner.push(np.array([1_000], np.int16))
    for _ in range(1_000):
        joiner.push(hush(RATE))

    held = sum(thing.nbytes for thing in vars(joiner).values() if isinstance(thing, np.ndarray))
    assert held < 5 * RATE
    assert len(joiner.end(0.5)) == RATE / 2


@pytest.mark.parametrize("sample", [32_767, -32_768])
def test_full_scale_is_sound(sample: int) -> None:
    joiner = Joiner(RATE)
    joiner.push(hush(10))

    assert joiner.push(np.array([sample], np.int16))[-1] == sample
