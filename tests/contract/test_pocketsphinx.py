"""What pocketsphinx must bear, and how soon it can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

from stentor_engine import Settings, TranscriptionCall, TranscriptionEngine
from stentor_engine.loader import engine_class
from tests.contract.engines import FILES, transcription_engine

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


def test_the_first_call_is_heard_as_all_others() -> None:
    """Of a hum and a hiss, of which a new decoder was more sure."""
    engine = engine_class(FILES["pocketsphinx"], "pocketsphinx")(Settings())
    assert isinstance(engine, TranscriptionEngine)
    place = np.arange(RATE)
    hiss = np.random.default_rng(7).normal(0, 2_000, RATE) * abs(np.sin(place / 3_500))
    pitch = 300 * (1 + 0.2 * np.sin(place / 900))
    hum = 3_000 * np.sin(np.cumsum(2 * np.pi * pitch / RATE))
    audio = np.clip(hiss + hum, -32_000, 32_000).astype(np.int16) / np.float32(32_768)
    first, again = (list(engine.transcribe(TranscriptionCall(audio))) for _ in range(2))
    assert first == again
