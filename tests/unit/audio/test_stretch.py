from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stentor.audio.stretch import Stretcher, likest
from stentor.types import Pcm
from tests.audio import decoded

from .sounds import level, noise, pitch, split, tone

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]
SPEEDS = [0.25, 0.5, 0.77, 1.5, 2.0, 3.0, 4.0]
RATE = 22_050
rates = st.sampled_from(RATES)
speeds = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]) | st.floats(0.25, 4.0)


def stretch(rate: int, speed: float, *chunks: Pcm) -> Pcm:
    stretcher = Stretcher(rate, speed)
    return np.concatenate([*(stretcher.push(chunk) for chunk in chunks), stretcher.flush()])


@pytest.fixture(scope="session")
def speech(recording: Path) -> Pcm:
    """The first 6 s, at RATE."""
    samples, rate = decoded(recording.read_bytes())
    heard: Pcm = soxr.resample(samples[: 6 * rate], rate, RATE).astype(np.int16)
    return heard


@settings(deadline=None)
@given(rate=rates | st.integers(1, 2_000), speed=speeds, count=st.integers(0, 4_000))
def test_length_follows_the_speed(rate: int, speed: float, count: int) -> None:
    assert len(stretch(rate, speed, noise(count))) == round(count / speed)


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_length_of_a_long_speech_is_exact_too(speech: Pcm, speed: float) -> None:
    assert len(stretch(RATE, speed, speech)) == round(len(speech) / speed)


@settings(deadline=None)
@given(rate=rates, speed=speeds, cuts=st.lists(st.integers(0, 6_000), max_size=8))
def test_pushes_leave_no_trace(rate: int, speed: float, cuts: list[int]) -> None:
    pcm = noise(6_000)

    assert np.array_equal(stretch(rate, speed, *split(pcm, cuts)), stretch(rate, speed, pcm))


@pytest.mark.parametrize("speed", SPEEDS)
def test_pushes_leave_no_trace_in_speech(speech: Pcm, speed: float) -> None:
    pieces = split(speech, list(range(0, len(speech), 441)))

    assert np.array_equal(stretch(RATE, speed, *pieces), stretch(RATE, speed, speech))


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_nothing_becomes_nothing(speed: float) -> None:
    assert len(stretch(24_000, speed)) == 0
    assert len(stretch(24_000, speed, noise(0), noise(0))) == 0


@pytest.mark.parametrize(("speed", "out"), [(0.25, [123, 0, 0, 0]), (0.5, [123, 0]), (4.0, [])])
def test_a_single_sample(speed: float, out: list[int]) -> None:
    assert stretch(24_000, speed, np.array([123], np.int16)).tolist() == out


@settings(deadline=None)
@given(rate=rates, speed=speeds, count=st.integers(0, 5_000))
def test_silence_stays_silent(rate: int, speed: float, count: int) -> None:
    assert not stretch(rate, speed, np.zeros(count, np.int16)).any()


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("value", [-32_768, 77, 32_767])
def test_a_constant_stays_the_constant(value: int, rate: int, speed: float) -> None:
    assert set(stretch(rate, speed, np.full(rate // 4, value, np.int16))) == {value}


@settings(deadline=None)
@given(rate=rates, speed=speeds, seed=st.integers(0, 99))
def test_it_begins_with_the_input_and_stays_within_it(rate: int, speed: float, seed: int) -> None:
    pcm = np.clip(noise(8_000, 6_000, seed), -9_000, 11_000)

    out = stretch(rate, speed, pcm)

    assert out[0] == pcm[0]
    assert pcm.min() <= out.min()
    assert out.max() <= pcm.max()


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_end_is_heard(speed: float) -> None:
    pcm = np.concatenate((np.zeros(RATE // 2, np.int16), tone(RATE, 0.05)))

    assert level(stretch(RATE, speed, pcm)[-RATE // 200 :]) > 2_000


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_pitch_and_level_and_does_not_click(rate: int, speed: float) -> None:
    pcm = tone(rate, 2.0, 220)

    out = stretch(rate, speed, pcm)

    assert pitch(np.pad(out, (0, 8 * rate)), rate) == pytest.approx(220, rel=0.01)
    assert level(out) == pytest.approx(8_000, rel=0.02)
    assert steepest(out) <= 1.02 * steepest(pcm) + 1


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_deep_voice_keeps_its_pitch(speed: float) -> None:
    phase = 2 * np.pi * 70 * np.arange(2 * RATE) / RATE
    voice = 2_000 * sum(np.cos(k * phase) / k for k in range(1, 20))

    out = stretch(RATE, speed, np.asarray(voice).astype(np.int16))

    heard = fundamentals(out, np.arange(0.1, 0.4, 0.02))
    assert np.allclose(heard, 70, rtol=0.02)


@pytest.mark.parametrize("speed", SPEEDS)
def test_speech_keeps_its_pitch(speech: Pcm, speed: float) -> None:
    times = np.arange(0.1, 5.8, 0.01)
    before = fundamentals(speech, times)
    after = fundamentals(stretch(RATE, speed, speech), times / speed)

    voiced = ~np.isnan(before) & ~np.isnan(after)
    change = after[voiced] / before[voiced] - 1
    assert voiced.sum() > 100
    assert np.median(change) == pytest.approx(0, abs=0.01)
    assert np.mean(np.abs(change) < 0.05) > 0.8  # the rest moves while it is compared


@pytest.mark.parametrize("speed", SPEEDS)
def test_speech_keeps_its_level_and_does_not_click(speech: Pcm, speed: float) -> None:
    out = stretch(RATE, speed, speech)

    assert 20 * np.log10(level(out) / level(speech)) == pytest.approx(0, abs=1)
    assert steepest(out) <= 1.05 * steepest(speech)


@settings(deadline=None, max_examples=60)
@given(
    speed=speeds,
    frequency=st.floats(80, 1_000),
    seconds=st.floats(0.045, 0.12),
    starts=st.lists(st.floats(0, 0.1), min_size=6, max_size=6),
)
def test_what_sounds_at_a_time_is_heard_at_its_time(
    speed: float, frequency: float, seconds: float, starts: list[float]
) -> None:
    pcm = np.zeros(RATE * 2, np.int16)
    burst = tone(RATE, seconds, frequency)
    places = [round((0.2 + 0.3 * i + start) * RATE) for i, start in enumerate(starts)]
    for place in places:
        pcm[place : place + len(burst)] = burst

    out = stretch(RATE, speed, pcm)

    for place in places:
        around = max(place - 1_500, 0), place + len(burst) + 1_500
        was, heard = middle(pcm, *around), middle(out, *(round(at / speed) for at in around))
        assert heard / RATE == pytest.approx(was / speed / RATE, abs=0.030)


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_little_is_held_back(rate: int, speed: float) -> None:
    stretcher = Stretcher(rate, speed)
    out = 0
    for pushed, chunk in enumerate(np.split(noise(rate), 1_000), start=1):
        out += len(stretcher.push(chunk))
        assert pushed / 1_000 - out * speed / rate <= 0.057


@pytest.mark.parametrize("speed", SPEEDS)
def test_memory_does_not_grow(speed: float) -> None:
    stretcher = Stretcher(24_000, speed)
    chunk = noise(480)
    tracemalloc.start()
    try:
        for _ in range(1_000):
            stretcher.push(chunk)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 50_000  # 20 s went in: 960 kB


def test_speed_one_passes_through_uncopied() -> None:
    pcm = noise(100)
    stretcher = Stretcher(24_000, 1.0)

    assert stretcher.push(pcm) is pcm
    assert len(stretcher.flush()) == 0


def test_likeness_is_of_shape_and_not_of_level() -> None:
    region = noise(1_000, 9_000).astype(np.float64)
    pattern = noise(100, 9_000, seed=1).astype(np.float64)
    region[300:400] = np.rint(pattern / 50)

    assert likest(region, pattern) == 300
    assert likest(np.zeros(1_000), pattern) is None
    assert likest(region, np.zeros(100)) is None


@pytest.mark.parametrize("speed", [0.0, -1.0, 0.249, 4.001, float("inf"), float("nan")])
def test_other_speeds_are_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Stretcher(24_000, speed)


def steepest(pcm: Pcm) -> int:
    """The largest step from one sample to the next."""
    return int(np.abs(np.diff(pcm.astype(np.int32))).max())


def middle(pcm: Pcm, start: int, end: int) -> float:
    """The centre of the energy, in samples."""
    energy = pcm[start:end].astype(np.float64) ** 2
    return start + float(energy @ np.arange(len(energy)) / energy.sum())


def fundamentals(pcm: Pcm, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hz around each time at RATE, by autocorrelation; nan where there is no voice."""
    return np.array([_fundamental(pcm, round(time * RATE)) for time in times])


def _fundamental(pcm: Pcm, at: int) -> float:
    shortest, longest, size = RATE // 300, RATE // 55, RATE // 25
    start = max(at - (size + longest) // 2, 0)
    near = pcm[start : start + size + longest].astype(np.float64)
    if len(near) < size + longest or np.mean(near**2) < 300**2:
        return float("nan")
    energy = np.cumsum(np.concatenate(((0.0,), near**2)))
    energy = energy[size:] - energy[:-size]
    likeness = np.correlate(near, near[:size], "valid") / np.sqrt(energy * energy[0] + 1)
    best = likeness[shortest:].max()
    if best < 0.8:
        return float("nan")
    lag = shortest + int(np.argmax(likeness[shortest:] > 0.93 * best))
    while lag < longest - 1 and likeness[lag + 1] > likeness[lag]:
        lag += 1
    left, top, right = likeness[lag - 1 : lag + 2]
    bend = left - 2 * top + right
    return RATE / (lag + (left - right) / (2 * bend) if bend else lag)
