from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stentor.audio.decode import decode
from stentor.audio.vad import FRAME, RATE, SpeechDetector
from stentor.audio.windows import (
    DEFAULT,
    FRAME_SECONDS,
    PADDING,
    Span,
    Window,
    Windower,
)
from stentor.types import Pcm, VadSettings

from .sounds import noise, tone
from .voices import espeak

SLOW = 2_000  # Hz, for quick tests: 64 samples a frame
SLOW_FRAME = 64


@st.composite
def judged(draw: st.DrawFn) -> NDArray[np.float32]:
    """Stretches of speech, of silence and of doubt, as a detector would judge them."""
    stretch = st.tuples(
        st.sampled_from([0.0, 0.1, 0.2, 0.29, 0.3, 0.6, 1.0]),
        st.one_of(st.integers(1, 5), st.integers(5, 40), st.integers(90, 130)),
    )
    stretches = draw(st.lists(stretch, min_size=1, max_size=12))
    return np.concatenate([np.full(count, likely, np.float32) for likely, count in stretches])


def windows_of(
    pcm: Pcm,
    probabilities: NDArray[np.float32],
    max_seconds: float,
    *,
    step: int = 1,
    vad: VadSettings = DEFAULT,
) -> list[Window]:
    """As they come out where `step` frames are pushed at a time."""
    windower = Windower(SLOW, max_seconds, vad)
    found: list[Window] = []
    for start in range(0, len(probabilities), step):
        block = slice(start * SLOW_FRAME, (start + step) * SLOW_FRAME)
        found += windower.push(pcm[block], probabilities[start : start + step])
    found += windower.push(pcm[len(probabilities) * SLOW_FRAME :], probabilities[:0])
    return found + windower.finish()


def positions(windows: Iterable[Window], rate: int) -> list[tuple[int, int]]:
    """First sample and end of all spans."""
    spans = [span for window in windows for span in window.spans]
    firsts = [round(span.source_start * rate) for span in spans]
    return [(a, a + round(span.length * rate)) for a, span in zip(firsts, spans, strict=True)]


vads = st.just(DEFAULT) | st.builds(
    VadSettings, st.floats(0, 1), st.floats(0, 10), st.floats(0, 10)
)


@settings(deadline=None)
@given(judged(), st.floats(0.05, 6.0), st.integers(0, SLOW_FRAME - 1), vads)
def test_no_speech_is_lost_and_none_is_doubled(
    probabilities: NDArray[np.float32], max_seconds: float, rest: int, vad: VadSettings
) -> None:
    pcm = noise(len(probabilities) * SLOW_FRAME + rest)
    windows = windows_of(pcm, probabilities, max_seconds, vad=vad)
    spans = positions(windows, SLOW)

    taken = np.zeros(len(pcm), int)
    for first, end in spans:
        assert 0 <= first < end <= len(pcm)
        taken[first:end] += 1
    assert taken.max(initial=0) <= 1
    assert all(end <= first for (_, end), (first, _) in pairwise(spans))
    for number in np.flatnonzero(probabilities.astype(float) >= vad.threshold):
        assert taken[number * SLOW_FRAME : (number + 1) * SLOW_FRAME].all()


@settings(deadline=None)
@given(judged(), st.floats(0.05, 6.0), st.integers(0, SLOW_FRAME - 1))
def test_a_window_is_the_file_at_its_spans(
    probabilities: NDArray[np.float32], max_seconds: float, rest: int
) -> None:
    pcm = noise(len(probabilities) * SLOW_FRAME + rest)
    for window in windows_of(pcm, probabilities, max_seconds):
        assert len(window.samples) <= max_seconds * SLOW
        starts = [round(span.window_start * SLOW) for span in window.spans]
        places = positions([window], SLOW)
        lengths = [end - first for first, end in places]
        assert starts == [0, *np.cumsum(lengths)[:-1]]
        assert np.array_equal(window.samples, np.concatenate([pcm[a:b] for a, b in places]))
        for at in range(0, len(window.samples), 50):
            source = round(window.source_time(at / SLOW) * SLOW)
            assert pcm[source] == window.samples[at]


@settings(deadline=None)
@given(judged(), st.floats(0.05, 6.0), st.integers(2, 50))
def test_pushes_leave_no_trace(
    probabilities: NDArray[np.float32], max_seconds: float, step: int
) -> None:
    pcm = noise(len(probabilities) * SLOW_FRAME)
    one, many = (windows_of(pcm, probabilities, max_seconds, step=n) for n in (1, step))

    assert [window.spans for window in one] == [window.spans for window in many]


@settings(deadline=None)
@given(judged(), st.floats(0.05, 3.0))
def test_holds_no_more_than_a_window(
    probabilities: NDArray[np.float32], max_seconds: float
) -> None:
    windower = Windower(SLOW, max_seconds)
    for probability in probabilities:
        windower.push(noise(SLOW_FRAME), np.array([probability], np.float32))

    held = [*windower._kept, *windower._before]
    assert sum(frame.samples.nbytes for frame in held) <= 2 * (max_seconds * SLOW + 7 * SLOW_FRAME)
    assert all(frame.samples.base is None for frame in held)


@settings(deadline=None)
@given(judged())
def test_silence_beyond_the_padding_is_left_out(probabilities: NDArray[np.float32]) -> None:
    pcm = noise(len(probabilities) * SLOW_FRAME)
    speech = np.flatnonzero(probabilities >= 0.15)

    for first, end in positions(windows_of(pcm, probabilities, 1_000), SLOW):
        for number in range(first // SLOW_FRAME, end // SLOW_FRAME):
            assert np.abs(speech - number).min() <= PADDING


def pattern(*stretches: tuple[float, float]) -> NDArray[np.float32]:
    """From seconds and a probability each."""
    return np.concatenate(
        [np.full(round(seconds / FRAME_SECONDS), p, np.float32) for seconds, p in stretches]
    )


def lengths(probabilities: NDArray[np.float32], max_seconds: float) -> list[float]:
    pcm = noise(len(probabilities) * SLOW_FRAME)
    found = windows_of(pcm, probabilities, max_seconds)
    return [round(len(window.samples) / SLOW, 1) for window in found]


def test_regions_are_packed_together() -> None:
    """Five-second pieces would cost a transcriber six times the work."""
    talk = pattern(*[(4.0, 0.9), (1.0, 0.0)] * 12)

    assert lengths(talk, 30.0) == [26.5, 26.7]


def test_a_long_silence_closes_a_window_at_once() -> None:
    windower = Windower(SLOW, 30.0)
    speech, silence = pattern((2.0, 0.9)), pattern((4.0, 0.0))
    assert windower.push(noise(len(speech) * SLOW_FRAME), speech) == []

    (window,) = windower.push(noise(len(silence) * SLOW_FRAME), silence)

    assert len(window.samples) / SLOW == pytest.approx(2.22, abs=0.05)
    assert windower.finish() == []


def test_what_was_said_after_long_padding_keeps_its_place() -> None:
    """Its end is not taken for one in the padding."""
    vad = VadSettings(padding=2.0)
    talk = pattern((1.0, 0.9), (9.0, 0.0), (1.0, 0.9))
    windows = windows_of(noise(len(talk) * SLOW_FRAME), talk, 30.0, vad=replace(vad, silence=20))
    (window,) = windows
    said = len(window.samples) / SLOW
    assert window.source_interval(said - 1.0, said) == pytest.approx((10.0, 11.0), abs=0.05)


@pytest.mark.parametrize("silence", [0.1, 0.5, 2.0])
def test_silence_as_long_as_told_closes_a_window(silence: float) -> None:
    vad = VadSettings(silence=silence)
    frames = round(silence / FRAME_SECONDS)
    just = pattern((1.0, 0.9), (frames * FRAME_SECONDS, 0.0), (1.0, 0.9))
    more = pattern((1.0, 0.9), ((frames + 1) * FRAME_SECONDS, 0.0), (1.0, 0.9))
    pcm = noise(len(more) * SLOW_FRAME)
    assert len(windows_of(pcm, just, 30.0, vad=vad)) == 1
    assert len(windows_of(pcm, more, 30.0, vad=vad)) == 2


def test_padding_as_long_as_told_goes_before_speech() -> None:
    talk = pattern((5.0, 0.0), (1.0, 0.9))
    for padding in (0.0, 0.64, 3.2):
        pcm = noise(len(talk) * SLOW_FRAME)
        (window,) = windows_of(pcm, talk, 30.0, vad=VadSettings(padding=padding))
        assert len(window.samples) / SLOW == pytest.approx(1.0 + padding, abs=0.02)


def test_endless_speech_is_cut_hard() -> None:
    talk = pattern((18.0, 0.9), (0.032, 0.4), (30.0, 0.9))

    assert lengths(talk, 20.0) == [18.0, 20.0, 10.0]


def test_doubt_within_speech_is_speech() -> None:
    assert lengths(pattern((0.32, 0.3), (3.2, 0.2), (0.32, 0.3)), 30.0) == [3.8]


def test_speech_lasts_to_the_very_end() -> None:
    pcm = noise(10 * SLOW_FRAME + 20)
    (window,) = windows_of(pcm, np.full(10, 0.9, np.float32), 30.0)

    assert np.array_equal(window.samples, pcm)


def test_nothing_is_heard_in_silence() -> None:
    assert lengths(pattern((60.0, 0.29)), 30.0) == []
    assert Windower(SLOW, 30.0).finish() == []


def test_padding_left_by_a_cut_is_no_window_of_its_own() -> None:
    talk = pattern((1.92, 0.9), (60.0, 0.0))

    assert lengths(talk, 2.0) == [2.0]


def test_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="no frame fits"):
        Windower(RATE, 0.03)
    with pytest.raises(ValueError, match="more probabilities"):
        Windower(RATE, 30.0).push(noise(FRAME), np.zeros(2, np.float32))


WINDOW = Window(np.zeros(0, np.int16), (Span(0.0, 10.0, 2.0), Span(2.0, 15.0, 3.0)))


@pytest.mark.parametrize(
    ("time", "source"), [(-1, 10), (0, 10), (1.5, 11.5), (2, 15), (4.5, 17.5), (5, 18), (9, 18)]
)
def test_times_in_the_file(time: float, source: float) -> None:
    assert WINDOW.source_time(time) == pytest.approx(source)


@pytest.mark.parametrize(
    ("interval", "source"),
    [
        ((0.5, 1.0), (10.5, 11.0)),
        ((0.5, 2.1), (10.5, 12.0)),  # an end in the padding before the next speech
        ((1.9, 3.0), (15.0, 16.0)),  # a start in the padding after the last speech
        ((0.5, 3.0), (10.5, 16.0)),
        ((1.9, 2.1), (11.9, 15.1)),  # all of it in padding
        ((-1.0, 9.0), (10.0, 18.0)),
    ],
)
def test_what_was_said_is_not_stretched_over_silence(
    interval: tuple[float, float], source: tuple[float, float]
) -> None:
    assert WINDOW.source_interval(*interval) == pytest.approx(source)


def test_padding_of_two_lengths() -> None:
    window = replace(WINDOW, before=1.5, after=0.1)

    assert window.source_interval(0.5, 3.4) == pytest.approx((10.5, 12.0))  # in that before speech
    assert window.source_interval(0.5, 3.6) == pytest.approx((10.5, 16.6))
    assert window.source_interval(1.8, 4.0) == pytest.approx((11.8, 17.0))
    assert window.source_interval(1.95, 4.0) == pytest.approx((15.0, 17.0))  # in that after speech


@settings(deadline=None)
@given(judged(), st.lists(st.floats(-1, 7), min_size=2, max_size=6), vads)
def test_time_does_not_run_backwards(
    probabilities: NDArray[np.float32], times: list[float], vad: VadSettings
) -> None:
    pcm = noise(len(probabilities) * SLOW_FRAME)
    for window in windows_of(pcm, probabilities, 6.0, vad=vad):
        mapped = [window.source_time(time) for time in sorted(times)]
        assert mapped == sorted(mapped)
        start, end = window.source_interval(min(times), max(times))
        assert start <= end


def heard(pcm: Pcm, max_seconds: float = 30.0) -> list[Window]:
    detector, windower = SpeechDetector(), Windower(RATE, max_seconds)
    found: list[Window] = []
    for block in np.split(pcm, range(8_000, len(pcm), 8_000)):
        found += windower.push(block, detector.push(block))
    return found + windower.finish()


def loud_frames(pcm: Pcm) -> NDArray[np.bool_]:
    """Where speech is within 20 dB of its loudest."""
    energy = (pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME).astype(float) ** 2).mean(axis=1)
    loud: NDArray[np.bool_] = energy > np.percentile(energy, 95) / 100
    return loud


def covered(windows: list[Window], frames: int) -> NDArray[np.bool_]:
    inside = np.zeros(frames * FRAME, bool)
    for first, end in positions(windows, RATE):
        inside[first:end] = True
    return np.array([frame.all() for frame in inside.reshape(-1, FRAME)])


def in_noise(speech: Pcm, snr: int | None) -> Pcm:
    """White noise, `snr` dB below what is loud in the speech."""
    if snr is None:
        return speech
    loud = speech[: len(speech) // FRAME * FRAME][np.repeat(loud_frames(speech), FRAME)]
    rms = np.sqrt((loud.astype(float) ** 2).mean())
    mixed = speech.astype(int) + noise(len(speech), rms / 10 ** (snr / 20))
    return np.clip(mixed, -32_768, 32_767).astype(np.int16)


TEXTS = {
    "en-us": "She sells sea shells by the sea shore. Stop! Thank you.",
    "de": "Franz jagt im komplett verwahrlosten Taxi quer durch Bayern.",
    "cmn": "我们明天下午在图书馆见面。",
}


@pytest.mark.parametrize("snr", [None, 20, 10, 5])
@pytest.mark.parametrize("voice", TEXTS)
def test_no_word_is_lost_in_noise(voice: str, snr: int | None) -> None:
    silence = np.zeros(2 * RATE, np.int16)
    speech = np.concatenate((silence, espeak(TEXTS[voice], RATE, voice), silence))
    loud = loud_frames(speech)

    windows = heard(in_noise(speech, snr))

    assert covered(windows, len(loud))[loud].all()
    assert sum(len(window.samples) for window in windows) < len(speech) - 2 * RATE


@pytest.mark.parametrize("snr", [None, 20, 10])
def test_no_word_of_a_recording_is_lost(recording: Path, snr: int | None) -> None:
    with recording.open("rb") as file:
        blocks = list(decode(file, max_seconds=20))
    speech = np.concatenate(blocks)[: round(10.7 * RATE)]  # then there is but the crowd
    loud = loud_frames(speech)

    windows = heard(in_noise(speech, snr))

    assert covered(windows, len(loud))[loud].all()
    assert len(windows) == 1


def test_what_is_no_voice_makes_hardly_a_window() -> None:
    rng = np.random.default_rng(4)
    notes = [220 * 2 ** (step / 12) for step in rng.integers(0, 24, 40)]
    music = np.concatenate(
        [tone(RATE, 0.5, note, 4_000) + tone(RATE, 0.5, note * 1.26, 3_000) for note in notes]
    )

    assert heard(noise(20 * RATE)) == []
    assert heard(tone(RATE, 20, 100)) == []
    assert sum(len(window.samples) for window in heard(music)) < 0.1 * len(music)
