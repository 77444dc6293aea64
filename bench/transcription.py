"""Transcription over HTTP against the engine alone on the same windows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.client import Http
from bench.measure import Result, peak_memory, timed
from stentor.audio.encode import encode
from stentor.audio.vad import Detectors
from stentor.audio.window_reader import WindowReader
from stentor.lifecycle.catalog import bundled_engines
from stentor_engine import (
    OptionValue,
    Settings,
    SpeechCall,
    SpeechEngine,
    TranscriptionCall,
    TranscriptionEngine,
    complete_options,
)
from stentor_engine.loader import engine_class
from tests.servers import Server

MINUTES = 10
ECHO_LOAD = 0.05
"""CPU seconds that the echo engine burns for each second of audio."""
CONFIG = f"""
[models.busy]
backends = [{{ engine = "echo-transcribe", options = {{ cpu = {ECHO_LOAD} }} }}]
"""
TEXT = "It was a bright cold day in the harbour, and all the ships were waiting for the wind. "


def run(*, real: bool) -> Iterator[Result]:
    """`real`: pocketsphinx; else an echo engine that burns the CPU it claims."""
    name, model = ("pocketsphinx", "pocketsphinx") if real else ("echo-transcribe", "busy")
    file = "pocketsphinx.py" if real else "echo.py"
    engine = engine_class(bundled_engines() / file, name)(Settings())
    assert isinstance(engine, TranscriptionEngine)
    ten_seconds, ten_minutes = speech(10), speech(60 * MINUTES)
    with Server(CONFIG) as server:
        http = Http(server.url)
        http.transcribe(model, ten_seconds)
        with peak_memory(server.process) as short:
            http.transcribe(model, ten_seconds)
        with peak_memory(server.process) as long:
            ours, text = http.transcribe(model, ten_minutes)
    windows = windows_of(ten_minutes, engine.capabilities.window)
    theirs = timed(lambda: hear(engine, windows, {} if real else {"cpu": ECHO_LOAD}))
    detail = f"HTTP {ours:.2f} s, engine alone {theirs:.2f} s; {len(text.split())} words"
    claim = f"{MINUTES} minutes over {name} alone on the same windows"
    yield Result(claim, ours / theirs, 1.05, "x", detail)
    detail = f"peak {long.most:.0f} MiB, for 10 s {short.most:.0f} MiB"
    claim = f"memory during {MINUTES} minutes beyond 10 s ({name})"
    yield Result(claim, long.most - short.most, 60, " MiB", detail)


def speech(seconds: int) -> bytes:
    """So much speech of espeak's, as wav."""
    espeak = engine_class(bundled_engines() / "espeak.py", "espeak")(Settings())
    assert isinstance(espeak, SpeechEngine)
    capabilities = espeak.capabilities
    call = SpeechCall(TEXT, options=complete_options(capabilities.options))
    pieces = [p for p in espeak.synthesize(call) if isinstance(p, np.ndarray)]
    once = np.concatenate(pieces)
    wanted = seconds * capabilities.sample_rate
    samples = np.tile(once, wanted // len(once) + 1)[:wanted]
    return encode("wav", capabilities.sample_rate, samples.astype(np.int16))


def windows_of(audio: bytes, seconds: float) -> list[NDArray[np.float32]]:
    """What the gateway gives an engine for a file: windows of so many seconds."""
    reader = WindowReader(
        io.BytesIO(audio), max_seconds=3600, window_seconds=seconds, detectors=Detectors(kept=1)
    )
    windows = []
    while (ready := reader.read()) is not None:
        windows += [(window.samples / 32768).astype(np.float32) for window in ready]
    return windows


def hear(
    engine: TranscriptionEngine,
    windows: Sequence[NDArray[np.float32]],
    options: Mapping[str, OptionValue],
) -> None:
    complete = complete_options(engine.capabilities.options, options)
    for window in windows:
        for _ in engine.transcribe(TranscriptionCall(window, options=complete)):
            pass
