from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.audio.vad import FRAME, RATE, Detectors, SpeechDetector
from stentor.audio.windows import FRAME_SECONDS, ON
from stentor.types import Pcm

from .sounds import noise, split, tone
from .voices import espeak


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def probabilities(detector: SpeechDetector, *chunks: Pcm) -> Pcm:
    detector.reset()
    return np.concatenate([detector.push(chunk) for chunk in chunks])


def test_a_frame_is_what_the_windower_takes_it_for() -> None:
    assert FRAME / RATE == FRAME_SECONDS


def test_hears_speech_and_not_the_silence_around_it(detector: SpeechDetector) -> None:
    silence = np.zeros(2 * RATE, np.int16)
    speech = espeak("The quick brown fox jumps over the lazy dog.", RATE)
    heard = probabilities(detector, silence, speech, silence)

    assert heard.dtype == np.float32
    assert heard.min() >= 0
    assert heard.max() <= 1
    assert heard[: 2 * RATE // FRAME - 2].max() < 0.1
    assert np.mean(heard[2 * RATE // FRAME : -2 * RATE // FRAME - 10] >= ON) > 0.8
    assert heard[-30:].max() < 0.1


@pytest.mark.parametrize(
    "sound", [np.zeros(3 * RATE, np.int16), noise(3 * RATE), tone(RATE, 3), tone(RATE, 3, 50)]
)
def test_what_is_no_voice_is_no_speech(detector: SpeechDetector, sound: Pcm) -> None:
    assert probabilities(detector, sound).max() < ON


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 8_000), max_size=10))
def test_pushes_leave_no_trace(detector: SpeechDetector, cuts: list[int]) -> None:
    speech = espeak("Seven", RATE)[:8_000]

    assert np.array_equal(
        probabilities(detector, *split(speech, cuts)), probabilities(detector, speech)
    )


def test_only_complete_frames_are_judged(detector: SpeechDetector) -> None:
    detector.reset()

    assert len(detector.push(noise(FRAME - 1))) == 0
    assert len(detector.push(noise(1))) == 1
    assert len(detector.push(noise(2 * FRAME + 1))) == 2


def test_a_stream_is_as_new_after_a_reset(detector: SpeechDetector) -> None:
    speech = espeak("Seven", RATE)
    detector.push(speech[:5_000])

    assert np.array_equal(probabilities(detector, speech), SpeechDetector().push(speech))


def test_lent_detectors_begin_anew() -> None:
    """One that heard another stream before says the same as a fresh one."""
    speech = espeak("The quick brown fox jumps over the lazy dog.", RATE)
    detectors = Detectors(kept=1)
    first = detectors.take()
    expected = first.push(speech)
    detectors.give(first)
    assert detectors.take() is first
    assert first.push(speech).tolist() == expected.tolist()


def test_only_so_many_are_kept() -> None:
    detectors = Detectors(kept=1)
    one, two = detectors.take(), detectors.take()
    assert one is not two
    detectors.give(one)
    detectors.give(two)
    assert detectors.take() is one
    assert detectors.take() not in (one, two)
