"""Asking an engine's server to speak, and measuring what it says."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from tests.audio import Samples, decoded, wav
from tests.servers import Server


def spoken(
    server: Server,
    text: str,
    *,
    model: str,
    rate: int,
    voice: str = "alloy",
    speed: float = 1.0,
    **more: object,
) -> Samples:
    """`rate`: what the answer's must be. `more`: fields that OpenAI's API does not have."""
    with server.client() as client:
        speech = client.audio.speech.create(
            model=model,
            voice=voice,
            input=text,
            response_format="wav",
            speed=speed,
            extra_body=more,
        )
    samples, found = decoded(speech.content)
    assert found == rate
    return samples


def timed_events(server: Server, body: dict[str, object]) -> list[dict[str, Any]]:
    """Of the answer as a stream of events, with the times of words."""
    asked = {"stream_format": "sse", "timestamps": True} | body
    answer = server.http.post("/v1/audio/speech", json=asked)
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line[:7] == "data: {"]


def timed_words(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [word for event in events for word in event.get("words", ())]


def level(samples: Samples) -> float:
    return float(np.abs(samples.astype(float)).max() / 32767)


def pitch(samples: Samples, rate: int) -> float:
    """Hz, of a sine."""
    return float(np.argmax(np.abs(np.fft.rfft(samples.astype(float)))) * rate / len(samples))


def recording(seed: int, seconds: float = 2.0, rate: int = 24_000) -> str:
    """Of noise: a wav in base64, as `reference_audio` takes it."""
    noise = np.random.default_rng(seed).normal(size=int(seconds * rate)) * 3000
    return base64.b64encode(wav(noise.astype(np.int16), rate)).decode()
