"""The messages that travel inside the gateway. No I/O; `Word` and the calls are the SDK's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stentor_engine import OptionValue, Word

__all__ = [
    "AudioChunk",
    "Pcm",
    "Priority",
    "Segment",
    "SpeechRequest",
    "TranscriptionRequest",
    "Word",
]

Pcm = NDArray[np.int16]
"""Mono samples, shape (n,)."""


class Priority(IntEnum):
    """Who gets a free slot first."""

    LIVE = 0
    JOB = 1
    WARM_UP = 2


@dataclass(frozen=True)
class SpeechRequest:
    """`sample_rate` in Hz. `seed`: None derives one from the content, -1 asks for a new take.
    `timestamps`: the words are wanted in time.
    """

    model: str
    text: str
    voice: str | None = None
    format: str = "mp3"
    language: str | None = None
    speed: float = 1.0
    seed: int | None = None
    instructions: str | None = None
    timestamps: bool = False
    sample_rate: int = 24_000
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class TranscriptionRequest:
    model: str
    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    task: Literal["transcribe", "translate"] = "transcribe"
    words: bool = False
    """Word times are wanted."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class AudioChunk:
    """Audio as it comes from a backend. Word times are seconds into the call's audio."""

    samples: Pcm
    rate: int
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A stretch of a transcript. Times are seconds into the file."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    language: str | None = None
