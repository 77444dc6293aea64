"""Requests for speech, and what can be measured in its answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.audio import Samples, decoded, streamed_wav
from tests.servers import Server

TEXT = (
    "The old man walked slowly to the harbour. He looked at the ships, and then went home. "
    "Nobody was there to meet him, and the lamp in the window was out."
)

FORMATS = {
    "wav": ("audio/wav", "wav"),
    "pcm": ("audio/pcm", None),
    "mp3": ("audio/mpeg", "mp3"),
    "opus": ("audio/ogg", "ogg"),
    "aac": ("audio/aac", "aac"),
    "flac": ("audio/flac", "flac"),
}


def speak(server: Server, **fields: Any) -> bytes:
    body = {"model": "espeak", "input": TEXT, "voice": "alloy", "response_format": "wav"} | fields
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def samples_of(audio: bytes, audio_format: str, rate: int = 24_000) -> Samples:
    if audio_format == "pcm":
        return np.frombuffer(audio, np.int16)
    if audio_format == "wav":
        samples, told = streamed_wav(audio)
    else:
        samples, told = decoded(audio)
    assert told == (48_000 if audio_format == "opus" else rate)
    return samples


def level(samples: Samples) -> float:
    """Root mean square in dB of full scale."""
    return float(20 * np.log10(np.sqrt(np.mean((samples / 32768.0) ** 2))))


def spectrum_peak(samples: Samples, rate: int) -> float:
    """Hz of the strongest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)
