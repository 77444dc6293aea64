# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Engines that compute exactly what they are told to: for tests, benches and learning.

`echo` speaks any text as tones that depend on its characters; `echo-transcribe` answers a script,
or tells how long and how loud its audio was; `echo-convert` makes audio as loud as a recording. All
can be slow, busy, hungry and faulty on demand.
"""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
    ConversionCall,
    ConversionEngine,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    OptionValue,
    OutOfMemory,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Voice,
    Word,
    complete_options,
)

FAULTS = (
    Option("delay", "number", 0.0, "seconds to sleep before the first piece", 0),
    Option("piece_delay", "number", 0.0, "seconds to sleep before each later piece", 0),
    Option("cpu", "number", 0.0, "CPU seconds to burn per second of audio", 0),
    Option("fail_rate", "number", 0.0, "chance that a piece raises an error", 0, 1),
    Option("crash_rate", "number", 0.0, "chance that a piece ends the process", 0, 1),
    Option("hang_rate", "number", 0.0, "chance that a piece never comes", 0, 1),
    Option("memory_mb", "integer", 0, "memory held while the call runs", 0),
    Option("leak_mb", "integer", 0, "memory that each call keeps for ever", 0),
)
LOADING = (
    Option("load_seconds", "number", 0.0, "how long loading takes", 0),
    Option("load_fails", "boolean", False, "whether loading raises an error"),
    Option("load_needs", "string", "", "a file without which loading is out of memory"),
    Option("held_mb", "integer", 0, "memory held from loading on", 0),
    Option("parallel", "integer", 1, "how many calls at once", 1, 64),
)
SPEECH = (
    Option("char_seconds", "number", 0.06, "seconds of audio per character", 0.001, 10),
    Option("piece_seconds", "number", 0.1, "seconds of audio per piece", 0.01, 10),
    Option("rate", "integer", 24_000, "sample rate in Hz, fixed by loading", 8_000, 96_000),
    Option("exact", "boolean", True, "equal calls give equal samples; fixed by loading"),
    Option("word_times", "boolean", True, "tells word times; fixed by loading"),
)
VOICES = {"middle": 220.0, "low": 110.0, "high": 440.0}
"""Hz: of the lowest tone that a character can have."""
HEARING = (
    Option(
        "script",
        "string",
        "",
        "what every window says, a stretch of it per line, with {task}, {language}, {prompt}, "
        "{temperature} and {words} as the call has them; empty: length and loudness",
    ),
    Option("language", "string", "", "what it detects; empty: it cannot; fixed by loading"),
    Option("translates", "boolean", False, "whether it can; fixed by loading"),
    Option("prompts", "boolean", False, "whether it takes them; fixed by loading"),
    Option("hears_words", "boolean", True, "tells word times; fixed by loading"),
    Option("figures", "boolean", False, "tells figures, as Whisper does"),
)
CONVERSION = (
    Option("piece_seconds", "number", 0.1, "seconds of audio per piece", 0.01, 10),
    Option("speaks", "boolean", True, "has voices of its own; fixed by loading"),
)
GAINS = {"same": 1.0, "turned": -1.0}
"""Of its own voices."""
FIGURES = {"tokens": [50364, 2425], "avg_logprob": -0.25, "no_speech_prob": 0.01, "temperature": 0}


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


def hold(megabytes: OptionValue) -> bytearray:
    """Really takes the memory: the pages are written to."""
    block = bytearray(int(megabytes) << 20)
    block[::4096] = b"\1" * len(block[::4096])
    return block


def load(options: Mapping[str, OptionValue]) -> bytearray:
    time.sleep(float(options["load_seconds"]))
    if options["load_fails"]:
        raise LoadFailed("told to fail")
    if options["load_needs"] and not os.path.exists(str(options["load_needs"])):
        raise OutOfMemory("told to be out of memory")
    return hold(options["held_mb"])


def strike(options: Mapping[str, OptionValue]) -> None:
    """Fails as often as told, each time anew at random: a second try may go well."""
    if random.random() < float(options["crash_rate"]):  # noqa: S311
        os._exit(70)
    if random.random() < float(options["fail_rate"]):  # noqa: S311
        raise EngineError("told to fail")
    while random.random() < float(options["hang_rate"]):  # noqa: S311
        time.sleep(3600)


class Echo(SpeechEngine):
    name = "echo"
    quality = 0

    def __init__(self, settings: Settings) -> None:
        declared = FAULTS + LOADING + SPEECH
        options = complete_options(declared, settings.options)
        self._held = [load(options)]
        self._rate = int(options["rate"])
        self._exact = bool(options["exact"])
        self.capabilities = Capabilities(
            task="speech",
            sample_rate=self._rate,
            voices=tuple(Voice(v, v.title()) for v in VOICES),
            options=declared,
            streaming=True,
            word_times=bool(options["word_times"]),
            deterministic=self._exact,
            normalises=True,
            speed=(0.25, 4.0),
            parallel=int(options["parallel"]),
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        options = call.options
        if call.voice not in (None, *VOICES):
            raise InvalidCall(f"no voice '{call.voice}'")
        block = hold(options["memory_mb"])
        self._held.append(hold(options["leak_mb"]))
        yield None
        time.sleep(float(options["delay"]))
        audio = self._tones(call)
        words = words_in_time(call.text, len(audio) / self._rate)
        size = int(float(options["piece_seconds"]) * self._rate)
        for at in range(0, len(audio), size):
            if at:
                time.sleep(float(options["piece_delay"]))
            strike(options)
            piece = audio[at : at + size]
            burn(float(options["cpu"]) * len(piece) / self._rate)
            if self.capabilities.word_times:
                end = (at + len(piece)) / self._rate
                while words and words[0].start < end:
                    yield words.pop(0)
            yield piece
        del block

    def _tones(self, call: SpeechCall) -> NDArray[np.int16]:
        """A tone for every character and silence for blanks; each fades, so nothing clicks."""
        seconds = float(call.options["char_seconds"]) / call.speed
        length = max(1, round(seconds * self._rate))
        base = VOICES[call.voice or "middle"]
        if not self._exact:
            base *= 1 + random.random() / 100  # noqa: S311
        time_axis = np.arange(length) / self._rate
        envelope = np.sin(np.pi * (np.arange(length) + 0.5) / length)
        pieces = [np.zeros(0, np.int16)]
        for character in call.text:
            step = zlib.crc32(f"{character}{call.seed}".encode("utf-8", "replace")) % 48
            tone = np.sin(2 * np.pi * base * 2 ** (step / 24) * time_axis) * envelope
            level = 0 if character.isspace() else 12_000
            pieces.append((tone * level).astype(np.int16))
        return np.concatenate(pieces)


class EchoTranscribe(TranscriptionEngine):
    name = "echo-transcribe"
    quality = 0

    def __init__(self, settings: Settings) -> None:
        declared = FAULTS + LOADING + HEARING
        options = complete_options(declared, settings.options)
        self._held = [load(options)]
        self.capabilities = Capabilities(
            task="transcription",
            sample_rate=16_000,
            options=declared,
            word_times=bool(options["hears_words"]),
            deterministic=True,
            window=30.0,
            detects_language=bool(options["language"]),
            translates=bool(options["translates"]),
            prompts=bool(options["prompts"]),
            parallel=int(options["parallel"]),
        )
        self._language = str(options["language"]) or None

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        options = call.options
        block = hold(options["memory_mb"])
        self._held.append(hold(options["leak_mb"]))
        yield None
        time.sleep(float(options["delay"]))
        strike(options)
        seconds = len(call.audio) / self.capabilities.sample_rate
        for _ in range(int(seconds)):
            burn(float(options["cpu"]))
            yield None
        burn(float(options["cpu"]) * (seconds % 1))
        for text, start, end in stretches(said(call) or measured(call.audio, seconds), seconds):
            yield Transcript(
                text,
                start,
                end,
                words=self._words(text, start, end),
                language=call.language or self._language,
                details=FIGURES if options["figures"] else {},
            )
        del block

    def _words(self, text: str, start: float, end: float) -> tuple[Word, ...]:
        if not self.capabilities.word_times:
            return ()
        return tuple(
            Word(word.text, start + word.start, start + (word.end or 0.0), confidence=0.9)
            for word in words_in_time(text, end - start)
        )


class EchoConvert(ConversionEngine):
    """A recording's voice is its loudness."""

    name = "echo-convert"

    def __init__(self, settings: Settings) -> None:
        declared = FAULTS + LOADING + CONVERSION
        options = complete_options(declared, settings.options)
        self._held = [load(options)]
        self.capabilities = Capabilities(
            task="conversion",
            sample_rate=REFERENCE_RATE,
            voices=tuple(Voice(v, v.title()) for v in GAINS) if options["speaks"] else (),
            options=declared,
            streaming=True,
            deterministic=True,
            reference=(0.1, 30.0),
            parallel=int(options["parallel"]),
        )

    def convert(self, call: ConversionCall) -> Iterator[Samples | None]:
        options = call.options
        gain = self._gain(call)
        block = hold(options["memory_mb"])
        self._held.append(hold(options["leak_mb"]))
        yield None
        time.sleep(float(options["delay"]))
        size = int(float(options["piece_seconds"]) * REFERENCE_RATE)
        for at in range(0, len(call.audio), size):
            if at:
                time.sleep(float(options["piece_delay"]))
            strike(options)
            piece = call.audio[at : at + size]
            burn(float(options["cpu"]) * len(piece) / REFERENCE_RATE)
            # As int16 the voice `same` gives every sample back as it came.
            yield np.clip(np.rint(piece * (gain * 32768)), -32768, 32767).astype(np.int16)
        del block

    def _gain(self, call: ConversionCall) -> float:
        if call.reference is not None:
            return loudness(call.reference.samples) / max(1e-5, loudness(call.audio))
        known = [voice.id for voice in self.capabilities.voices]
        if not known or call.voice not in (None, *known):
            raise InvalidCall(f"no voice '{call.voice}'" if known else "it needs a recording")
        return GAINS[call.voice or known[0]]


def loudness(audio: NDArray[np.float32]) -> float:
    """Root of the mean square; of nothing 0."""
    return float(np.sqrt(np.mean(np.square(audio)))) if len(audio) else 0.0


def said(call: TranscriptionCall) -> str:
    """The script, as this call has it."""
    text = str(call.options["script"])
    for name in ("task", "language", "prompt", "temperature", "words"):
        text = text.replace(f"{{{name}}}", str(getattr(call, name)))
    return text


def stretches(text: str, seconds: float) -> Iterator[tuple[str, float, float]]:
    """Its lines with their starts and ends, in time as their characters are in the text."""
    at = 0
    for line in text.split("\n"):
        start, end = (seconds * i / max(1, len(text)) for i in (at, at + len(line)))
        yield line, start, end
        at += len(line) + 1


def measured(audio: NDArray[np.float32], seconds: float) -> str:
    level = 20 * np.log10(max(1e-5, loudness(audio))) if len(audio) else 0
    return f"{seconds:.2f} seconds at {level:.1f} dBFS"


def words_in_time(text: str, seconds: float) -> list[Word]:
    """The text's words, in time as their characters are in the text."""
    words = []
    at = 0
    for word in text.split():
        at = text.index(word, at)
        start, end = (seconds * i / len(text) for i in (at, at + len(word)))
        words.append(Word(word, start, end, at))
        at += len(word)
    return words
