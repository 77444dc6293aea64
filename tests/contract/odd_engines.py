"""Engines that do what an engine should not: what a call does is its text, prompt or voice."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stentor_engine import (
    Capabilities,
    ConversionCall,
    ConversionEngine,
    InvalidCall,
    Option,
    OutOfMemory,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Word,
)

RATE = 8_000
PIECE = np.full(800, 1000, np.int16)
LOAD = Option("load", "string", "well", "how loading goes")
PARALLEL = Option("parallel", "integer", 1, "how many calls at once")


def load(settings: Settings) -> None:
    how = settings.options.get("load", "well")
    if how == "wait":  # until a file is there
        while not Path(str(settings.weights)).exists():
            time.sleep(0.01)
    elif how == "hang":
        threading.Event().wait()
    elif how == "exit":
        sys.exit("no model")
    elif how == "exhaust":
        next(iter(()))
    elif how == "raise":
        raise FileNotFoundError("no model")


def capabilities(task: Any, settings: Settings) -> Capabilities:
    rate: Any = {"numpy": np.int64(RATE), "negative": -RATE}.get(str(settings.options.get("load")))
    parallel = int(settings.options.get("parallel", 1))
    return Capabilities(task, rate or RATE, options=(LOAD, PARALLEL), window=2.0, parallel=parallel)


class OddSpeech(SpeechEngine):
    name = "odd-speech"

    def __init__(self, settings: Settings) -> None:
        load(settings)
        self.capabilities = capabilities("speech", settings)
        self._closed = settings.weights
        self._meeting = threading.Barrier(self.capabilities.parallel)

    def close(self) -> None:
        if self._closed:
            Path(self._closed).touch()

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        yield PIECE
        act: Callable[[], Any] | None = getattr(self, f"_{call.text}", None)
        if act is not None:
            yield act()
        while call.text == "forever":
            yield PIECE
            time.sleep(0.01)
        yield PIECE

    def _hang(self) -> None:
        threading.Event().wait()

    def _meet(self) -> None:
        self._meeting.wait(20)

    def _print(self) -> None:
        print('{"type": "audio-stop"}\n' * 2_000, flush=True)  # noqa: T201 - the subject
        os.write(1, b'{"type": "audio-stop"}\n')

    def _exit(self) -> None:
        sys.exit(0)

    def _crash(self) -> None:
        os._exit(70)

    def _exhaust(self) -> None:
        next(iter(()))

    def _memory(self) -> None:
        raise MemoryError

    def _device(self) -> None:
        raise OutOfMemory("the device is full")

    def _refuse(self) -> None:
        raise InvalidCall("not this")

    def _divide(self) -> float:
        return 1 / 0

    def _quote(self) -> None:
        raise ValueError("é" * 5_000_000)

    def _stereo(self) -> Any:
        return np.zeros((8, 2), np.int16)

    def _wide(self) -> Any:
        return np.zeros(8, np.int32)

    def _nan(self) -> Any:
        return np.full(8, np.nan, np.float32)

    def _bytes(self) -> Any:
        return bytes(8)

    def _word(self) -> Any:
        return Word("a", float("nan"))

    def _loud(self) -> Any:
        return np.array([-9, -1, 0, 1, 9], np.float32)


class OddTranscription(TranscriptionEngine):
    name = "odd-transcription"

    def __init__(self, settings: Settings) -> None:
        load(settings)
        self.capabilities = capabilities("transcription", settings)

    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        yield Transcript("a", 0.0, 1.0)
        details: dict[str, Any] = {
            "numpy": {"x": np.float32(1)},
            "infinite": {"x": float("inf")},
            "proxy": types.MappingProxyType({"x": 1}),
        }
        odd: Any = Transcript("b", 0.0, 1.0, details=details.get(call.prompt or "", {}))
        yield {"string": "text"}.get(call.prompt or "", odd)
        if call.prompt == "audio":
            yield Transcript(f"{len(call.audio)} {call.audio.min():g} {call.audio.max():g}", 0, 1)


class OddConversion(ConversionEngine):
    """What a call does is its voice. Its own rate is a third of what it is given."""

    name = "odd-conversion"

    def __init__(self, settings: Settings) -> None:
        load(settings)
        self.capabilities = capabilities("conversion", settings)

    def convert(self, call: ConversionCall) -> Iterator[Samples | None]:
        yield call.audio[::3]
        if call.voice == "crash":
            os._exit(70)
        if call.voice == "divide":
            raise ZeroDivisionError
        if call.voice == "seed":
            yield np.full(1, call.seed, np.int16)
        if call.voice == "hang":
            threading.Event().wait()
        while call.voice == "forever":
            yield PIECE
            time.sleep(0.01)
