from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.resample import Resampler
from stentor.types import Pcm

from .sounds import level, noise, pitch, split, tone

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]
rates = st.sampled_from(RATES)


def resample(source: int, target: int, *chunks: Pcm) -> Pcm:
    resampler = Resampler(source, target)
    return np.concatenate([*(resampler.push(chunk) for chunk in chunks), resampler.flush()])


@pytest.mark.parametrize("target", RATES)
@pytest.mark.parametrize("source", RATES)
def test_a_tone_stays_the_tone(source: int, target: int) -> None:
    out = resample(source, target, tone(source, 0.5))

    middle = out[len(out) // 5 : -len(out) // 5]
    assert pitch(middle, target) == pytest.approx(440, abs=4)
    assert level(middle) == pytest.approx(8_000, rel=0.01)


def test_what_the_target_cannot_carry_is_removed() -> None:
    assert level(resample(24_000, 16_000, tone(24_000, frequency=9_000))[2_000:-2_000]) < 10


@settings(deadline=None)
@given(source=rates, target=rates, count=st.integers(0, 5_000))
def test_length_follows_the_ratio(source: int, target: int, count: int) -> None:
    assert len(resample(source, target, noise(count))) == round(Fraction(count * target, source))


@settings(deadline=None)
@given(source=rates, target=rates, cuts=st.lists(st.integers(0, 4_000), max_size=8))
def test_pushes_leave_no_trace(source: int, target: int, cuts: list[int]) -> None:
    pcm = noise(4_000)

    assert np.array_equal(
        resample(source, target, *split(pcm, cuts)), resample(source, target, pcm)
    )


@pytest.mark.parametrize(
    ("source", "target", "most"),
    [
        (24_000, 48_000, 0.012),
        (22_050, 24_000, 0.012),
        (24_000, 16_000, 0.012),
        (8_000, 16_000, 0.032),
    ],
)
def test_lag_is_short(source: int, target: int, most: float) -> None:
    resampler = Resampler(source, target)
    out = 0
    for pushed, chunk in enumerate(np.split(tone(source), source // 25), start=1):
        out += len(resampler.push(chunk))
        assert pushed * 25 / source - out / target <= most


def test_silence_stays_silent_and_full_scale_does_not_wrap() -> None:
    square = np.where(tone(24_000) > 0, 32_767, -32_768).astype(np.int16)
    loud = resample(24_000, 48_000, square)

    assert not resample(24_000, 48_000, np.zeros(5_000, np.int16)).any()
    assert loud.max() == 32_767
    assert loud.min() == -32_768
    assert np.array_equal(np.sign(loud[100:-100:2]), np.sign(square[50:-50]))


def test_equal_rates_pass_through_uncopied() -> None:
    pcm = noise(100)
    resampler = Resampler(24_000, 24_000)

    assert resampler.push(pcm) is pcm
    assert len(resampler.flush()) == 0
