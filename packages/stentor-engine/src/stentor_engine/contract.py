"""What an engine is. Subclass one of the three engines, in one file, and Stentor can serve it.

Everything that yields is a plain blocking generator, run in a thread of the worker. It is closed at
its next `yield` when nobody listens any more, so yield often; `yield None` where there is nothing
to say yet keeps a long computation stoppable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .options import Option, OptionValue

Task = Literal["speech", "transcription", "conversion"]

Samples = NDArray[np.int16] | NDArray[np.float32]
"""Mono audio, shape (n,): int16, or float32 within [-1, 1]."""


@dataclass(frozen=True)
class Voice:
    """A voice that the model itself brings. `languages` are BCP-47 tags, the best one first."""

    id: str
    name: str
    languages: tuple[str, ...] = ()
    gender: Literal["female", "male"] | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a loaded engine can do; the gateway supplies what is missing."""

    task: Task
    sample_rate: int
    """Hz: of the audio that it yields; of a transcription engine, of the audio that it takes."""
    languages: tuple[str, ...] = ()
    """BCP-47 tags; empty: unknown."""
    voices: tuple[Voice, ...] = ()
    """The first one is the default."""
    open_voices: bool = False
    """Speech: there may be voices that are not listed; any name is passed on as it is."""
    options: tuple[Option, ...] = ()
    streaming: bool = False
    """Audio comes before the whole call is computed."""
    word_times: bool = False
    deterministic: bool = False
    """Equal calls give equal samples, or equal transcripts, also in another process."""
    normalises: bool = False
    """The engine itself reads numbers, dates and abbreviations aloud."""
    speed: tuple[float, float] | None = None
    """The speeds it takes, without a change of pitch; None: only 1."""
    instructions: bool = False
    """Speech: it follows instructions on how to speak."""
    blends: bool = False
    """Speech: a voice may be a mix of its own, as `a(2)+b`: see `parse_blend`."""
    reference: tuple[float, float] | None = None
    """Speech, conversion: it can take on the voice of a recording, from so many seconds to so
    many."""
    max_chars: int = 300
    """The longest text of one call."""
    window: float = 30.0
    """Seconds: the longest audio of one call, and the length it likes best."""
    detects_language: bool = False
    """Transcription: each transcript tells the language that was heard, when none was given."""
    translates: bool = False
    """Transcription: it can also write English for what is said in another language."""
    prompts: bool = False
    """Transcription: a prompt guides what it hears."""
    parallel: int = 1
    """How many calls at once."""


@dataclass(frozen=True)
class Settings:
    """What a worker gives its engine to load with."""

    device: str = "auto"
    weights: str | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Defaults from the configuration; a call's own options go before them."""


@dataclass(frozen=True)
class Word:
    """A word in time. `start` and `end` are seconds into the call's audio."""

    text: str
    start: float
    end: float | None = None
    at: int | None = None
    """Speech: where the word stands in the call's text, in characters."""
    confidence: float | None = None
    """Transcription: a probability, 0 to 1."""


REFERENCE_RATE = 24_000
"""Hz."""


@dataclass(frozen=True)
class Reference:
    """A recording whose voice is to speak: float32 mono within [-1, 1] at REFERENCE_RATE."""

    id: str
    """Of equal samples equal: a key for what an engine computes from them."""
    samples: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True)
class SpeechCall:
    """One piece of text to speak. `options` holds a value for every declared option."""

    text: str
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int = 0
    instructions: str | None = None
    """How to speak, in words; only for engines that declare it."""
    reference: Reference | None = None
    """Goes before `voice`; only for engines that declare it."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class TranscriptionCall:
    """One window of audio: float32 mono within [-1, 1] at the engine's sample rate."""

    audio: NDArray[np.float32]
    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    task: Literal["transcribe", "translate"] = "transcribe"
    words: bool = False
    """Word times are wanted, and may cost more."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Transcript:
    """A stretch of speech that was heard. `start` and `end` are seconds into the call's audio."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    language: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The engine's own figures, such as avg_logprob; JSON values only."""


@dataclass(frozen=True)
class ConversionCall:
    """Speech that is to be in another voice: float32 mono within [-1, 1] at REFERENCE_RATE."""

    audio: NDArray[np.float32]
    voice: str | None = None
    reference: Reference | None = None
    """Goes before `voice`; only for engines that declare it."""
    seed: int = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Weights:
    """Files that an engine loads. `stentor models pull` fetches them into a folder, whose path the
    engine gets as `Settings.weights`; an engine itself downloads nothing.
    """

    hub: str = ""
    """A repository of the Hugging Face hub, as `owner/name`."""
    revision: str = "main"
    """Of that repository; a commit's hash is pinned for good."""
    files: tuple[str, ...] = ()
    """Patterns of the files to fetch from it; empty: all."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """Files from elsewhere: by their names in the folder, where they are fetched from."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Hexadecimal, by the names of files; of those that are named here nothing else is taken."""
    folder: str = ""
    """Below the folder, where an engine needs several repositories."""
    licence: str = ""
    """Of weights that may not be used freely: its name and where it is read. The owner is asked to
    accept it before anything is fetched."""


class Engine(ABC):
    """Loads its model in `__init__(settings)`; raising there is a failed start, told as it is.

    What is declared as a ClassVar is read without running the file: write literals, the file's own
    constants of such, and of calls only `Weights(...)` of these.
    """

    name: ClassVar[str]
    quality: ClassVar[int] = 50
    """0 to 100: which model a name of OpenAI's means where several could be meant; 0: only when
    there is no other."""
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    """Kinds that it runs on, of `cuda`, `mps` and `cpu`, the best one first."""
    memory_mb: ClassVar[int] = 0
    """MiB that it takes of its device with its usual weights; 0: not known. What it really takes
    is measured once it runs."""
    weights: ClassVar[Mapping[str, tuple[Weights, ...]]] = {}
    """By short names that `Settings.weights` may have in the configuration; the first one is the
    usual one. Empty: the engine brings what it needs."""
    languages: ClassVar[tuple[str, ...] | Mapping[str, tuple[str, ...]]] = ()
    """Those that it speaks or hears, as `en`; where that hangs on the weights, by their short
    names. Not told: it is taken to know all."""
    capabilities: Capabilities
    """Set by `__init__`."""

    @abstractmethod
    def __init__(self, settings: Settings) -> None: ...

    def close(self) -> None:  # noqa: B027 - most engines have nothing to let go
        """Called once, when the worker stops in good order."""


class SpeechEngine(Engine):
    @abstractmethod
    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        """Yield audio in order; a Word comes no later than the audio it starts in."""


class TranscriptionEngine(Engine):
    @abstractmethod
    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        """Yield what was heard, in order of time; nothing at all where there is no speech."""


class ConversionEngine(Engine):
    @abstractmethod
    def convert(self, call: ConversionCall) -> Iterator[Samples | None]:
        """Yield what is said in the call's audio, in the other voice and in order."""
