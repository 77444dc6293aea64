"""What pocketsphinx must bear, and how soon it can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

from stentor_engine import TranscriptionCall
from tests.contract.engines import transcription_engine

RATE = 16_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e36, 5.0])
def test_samples_that_are_no_samples(value: float) -> None:
    engine = transcription_engine("pocketsphinx")
    audio = np.full(RATE, value, np.float32)
    for transcript in filter(None, engine.transcribe(TranscriptionCall(audio))):
        assert 0 <= transcript.start <= transcript.end <= 1.1


def test_a_window_can_be_stopped_at_every_tenth_of_a_second() -> None:
    engine = transcription_engine("pocketsphinx")
    seconds = 3
    noise = np.random.default_rng(1).normal(0, 0.1, seconds * RATE).astype(np.float32)
    pauses = sum(piece is None for piece in engine.transcribe(TranscriptionCall(noise)))
    assert pauses >= seconds * 10
