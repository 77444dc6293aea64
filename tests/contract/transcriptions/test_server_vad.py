"""What a request tells about the search for speech is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import Samples, wav
from tests.contract.transcriptions.requests import RATE, heard, post
from tests.servers import Server


def windows(server: Server, audio: bytes, **fields: Any) -> list[dict[str, Any]]:
    """The engine says one thing of each window."""
    told = post(server, audio, response_format="verbose_json", **fields)
    assert told.status_code == 200, told.text
    return list(told.json()["segments"])


def test_silence_divides_as_told(server: Server, counting: Samples) -> None:
    audio = wav(counting, RATE)
    assert len(windows(server, audio)) == len(windows(server, audio, chunking_strategy="auto")) == 1

    def count(silence: int) -> int:
        strategy = f'{{"type": "server_vad", "silence_duration_ms": {silence}}}'
        return len(windows(server, audio, chunking_strategy=strategy))

    assert count(500) == 4
    assert count(5_000) == 1


def test_padding_before_speech_is_as_told(server: Server, counting: Samples) -> None:
    audio = wav(counting, RATE)

    def starts(padding: int) -> list[float]:
        strategy = {
            "chunking_strategy[type]": "server_vad",
            "chunking_strategy[silence_duration_ms]": "500",
            "chunking_strategy[prefix_padding_ms]": str(padding),
        }
        found = windows(server, audio, **strategy)
        assert [segment["seek"] / 100 for segment in found] == pytest.approx(
            [segment["start"] for segment in found], abs=0.01
        )
        return [segment["seek"] / 100 for segment in found]

    none, some = starts(0), starts(640)
    differences = [b - a for a, b in zip(some, none, strict=True)]
    assert differences[1:] == pytest.approx([0.64] * 3, abs=0.02)


def test_the_threshold_is_as_told(client: openai.OpenAI, server: Server, audio: bytes) -> None:
    def text(threshold: float) -> str:
        return client.audio.transcriptions.create(
            model="scripted",
            file=("a.wav", audio),
            chunking_strategy={"type": "server_vad", "threshold": threshold},
        ).text

    assert text(0.5).startswith("Hello there, you.")  # for each window, one or two
    assert text(1.0) == ""
    hiss = wav(np.random.default_rng(1).normal(0, 900, RATE).astype(np.int16), RATE)
    strategy = '{"type": "server_vad", "threshold": 0}'
    assert heard(server, hiss) == ""
    assert heard(server, hiss, chunking_strategy=strategy).startswith("1.0")
