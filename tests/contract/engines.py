"""The engines of the base install, loaded in this process, for the suites that they must pass."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from stentor.lifecycle.catalog import bundled_engines, find_engines
from stentor.lifecycle.environments.environment import satisfied_here
from stentor.lifecycle.environments.script import read_script
from stentor_engine import (
    ConversionCall,
    ConversionEngine,
    OptionValue,
    Reference,
    Settings,
    SpeechCall,
    SpeechEngine,
    TranscriptionCall,
    TranscriptionEngine,
    Word,
    complete_options,
)
from stentor_engine.host import AnyEngine
from stentor_engine.loader import engine_class
from stentor_engine.yielded import s16le
from tests.audio import Samples

FILES = {
    name: file
    for name, file in find_engines([bundled_engines()]).items()
    if satisfied_here(read_script(file.read_text()))
}
"""Others have suites of their own, which run in their environments: tests/engines."""


@cache
def loaded(name: str) -> AnyEngine:
    return engine_class(FILES[name], name)(Settings())


SPEECH = [name for name in FILES if isinstance(loaded(name), SpeechEngine)]
TRANSCRIPTION = [name for name in FILES if isinstance(loaded(name), TranscriptionEngine)]
CONVERSION = [name for name in FILES if isinstance(loaded(name), ConversionEngine)]


def speech_engine(name: str) -> SpeechEngine:
    engine = loaded(name)
    assert isinstance(engine, SpeechEngine)
    return engine


def transcription_engine(name: str) -> TranscriptionEngine:
    engine = loaded(name)
    assert isinstance(engine, TranscriptionEngine)
    return engine


def conversion_engine(name: str) -> ConversionEngine:
    engine = loaded(name)
    assert isinstance(engine, ConversionEngine)
    return engine


def call(
    engine: SpeechEngine,
    text: str,
    *,
    voice: str | None = None,
    language: str | None = None,
    speed: float = 1.0,
    options: Mapping[str, OptionValue] | None = None,
) -> SpeechCall:
    complete = complete_options(engine.capabilities.options, options or {})
    return SpeechCall(text, voice, language, speed, seed=1, options=complete)


def spoken(engine: SpeechEngine, request: SpeechCall) -> tuple[Samples, list[Word]]:
    """All the audio, and the words with it."""
    audio, words = [np.zeros(0, np.int16)], []
    for piece in engine.synthesize(request):
        if isinstance(piece, Word):
            words.append(piece)
        elif piece is not None:
            audio.append(np.frombuffer(s16le(piece), np.int16))
    return np.concatenate(audio), words


def hearing(engine: TranscriptionEngine, samples: Samples) -> TranscriptionCall:
    options = complete_options(engine.capabilities.options)
    return TranscriptionCall((samples / 32768).astype(np.float32), options=options)


def converting(
    engine: ConversionEngine,
    samples: Samples,
    *,
    voice: str | None = None,
    reference: Reference | None = None,
) -> ConversionCall:
    options = complete_options(engine.capabilities.options)
    audio = (samples / 32768).astype(np.float32)
    return ConversionCall(audio, voice, reference, seed=1, options=options)


def converted(engine: ConversionEngine, request: ConversionCall) -> Samples:
    """All the audio."""
    audio = [np.zeros(0, np.int16)]
    for piece in engine.convert(request):
        if piece is not None:
            audio.append(np.frombuffer(s16le(piece), np.int16))
    return np.concatenate(audio)
