"""The messages that travel inside the gateway. No I/O; `Word` and the calls are the SDK's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stentor_engine import OptionValue, Word

__all__ = [
    "AudioChunk",
    "Pcm",
    "Priority",
    "RawAudio",
    "RawFormat",
    "Rendered",
    "Segment",
    "SpeechRequest",
    "TranscriptionRequest",
    "VadSettings",
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
    reference: bytes | None = None
    """A recording, in any container, whose voice is to speak."""
    sample_rate: int = 24_000
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class VadSettings:
    """What is taken for speech, and where windows of it end."""

    threshold: float = 0.3
    """Speech begins at this probability and lasts until one below half of it. Lower than the usual
    0.5 and 0.35, with which the detector lost words that were faint, reverberant or in noise as
    loud as they are; noise, tones and music were let through no more often."""
    padding: float = 0.224
    """Seconds kept before speech: the detector notices soft onsets late."""
    silence: float = 3.0
    """Seconds without speech that close a window early: its text need not wait, and has little to
    do with what comes then."""


RawFormat = Literal["pcm_s16le", "pcm_s16be", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]


@dataclass(frozen=True)
class RawAudio:
    """How to read samples that come without a header. `rate` in Hz; channels are interleaved."""

    format: RawFormat = "pcm_s16le"
    rate: int = 16_000
    channels: int = 1


@dataclass(frozen=True)
class TranscriptionRequest:
    """`language` and `languages` as the client wrote them: BCP-47 tags or English names."""

    model: str
    language: str | None = None
    languages: tuple[str, ...] = ()
    """Those that may be spoken, where the one is not known."""
    prompt: str | None = None
    keywords: tuple[str, ...] = ()
    """Words that may be said, for engines that take a prompt."""
    temperature: float = 0.0
    task: Literal["transcribe", "translate"] = "transcribe"
    words: Literal["none", "possible", "required"] = "none"
    """Word times; `possible`: where the engine has them."""
    vad: VadSettings = VadSettings()
    raw: RawAudio | None = None
    """None: the file tells what it is."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class AudioChunk:
    """Audio as it comes from a backend, at `rate` Hz. Word times are seconds into the audio of the
    call or, once calls are joined, of the segment. `speed`: how much faster it is yet to become.
    """

    samples: Pcm
    rate: int
    words: tuple[Word, ...] = ()
    speed: float = 1.0


@dataclass(frozen=True)
class Rendered:
    """A piece of an answer: encoded audio, and words with times in seconds into the answer."""

    audio: bytes = b""
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A stretch of a transcript. Times are seconds into the file."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    language: str | None = None
    window: float = 0.0
    """Where the audio begins that it was heard in."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The engine's own figures; JSON values."""
