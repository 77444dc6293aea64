"""Many clients at once against what the engines alone can do on the same cores."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.client import Http
from bench.measure import Result
from bench.speech import ECHO_LOAD, SENTENCE
from bench.transcription import hear, speech, windows_of
from stentor.lifecycle.catalog import bundled_engines
from stentor.text.clean import clean
from stentor.text.segment import segment
from stentor_engine import (
    Settings,
    SpeechCall,
    SpeechEngine,
    TranscriptionEngine,
    complete_options,
)
from stentor_engine.loader import engine_class
from tests.servers import Server

CLIENTS = 16
CORES = 2
ROUNDS = 3
"""Requests of each client."""
FORMATS = ("mp3", "wav", "opus", "pcm")
TEXT = SENTENCE * 4
HEARD = 30
"""Seconds of each file to transcribe."""
LOAD = {"cpu": ECHO_LOAD}
CONFIG = f"""
[models.busy]
backends = [{", ".join([f'{{ engine = "echo", options = {{ cpu = {ECHO_LOAD} }} }}'] * CORES)}]
[models.busy-ears]
backends = [
{", ".join([f'{{ engine = "echo-transcribe", options = {{ cpu = {ECHO_LOAD} }} }}'] * CORES)}
]
"""


def run() -> Iterator[Result]:
    audio = speech(HEARD)
    with Server(CONFIG) as server:
        clients = [Http(server.url) for _ in range(CLIENTS)]
        _all_at_once(clients, audio, rounds=1)
        ours = _all_at_once(clients, audio, rounds=ROUNDS)
    theirs = _engines_alone(audio, CLIENTS * ROUNDS)
    detail = f"{CLIENTS} clients {ours:.1f} s, engines alone on {CORES} cores {theirs:.1f} s"
    # Turned round, so that more is worse, as in all claims: at least 0.8 of their throughput.
    yield Result("time over the engines' own, 16 mixed clients", ours / theirs, 1.25, "x", detail)


def _all_at_once(clients: Sequence[Http], audio: bytes, *, rounds: int) -> float:
    def work(index: int) -> None:
        for _ in range(rounds):
            if index % 2:
                clients[index].transcribe("busy-ears", audio)
            else:
                audio_format = FORMATS[index // 2 % len(FORMATS)]
                clients[index].speak(model="busy", input=TEXT, response_format=audio_format)

    began = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(work, range(len(clients))))
    return time.perf_counter() - began


def _engines_alone(audio: bytes, calls: int) -> float:
    """Seconds for as many calls, in as many processes as there are cores."""
    windows = windows_of(audio, seconds=30.0)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context) as processes:
        list(processes.map(_work, [[]] * CORES))  # started, and everything imported
        began = time.perf_counter()
        list(processes.map(_work, [windows] * (calls // 2)))
        return time.perf_counter() - began


@cache
def _loaded() -> tuple[TranscriptionEngine, SpeechEngine]:
    ears = engine_class(bundled_engines() / "echo.py", "echo-transcribe")(Settings())
    voice = engine_class(bundled_engines() / "echo.py", "echo")(Settings())
    assert isinstance(ears, TranscriptionEngine)
    assert isinstance(voice, SpeechEngine)
    return ears, voice


def _work(windows: list[NDArray[np.float32]]) -> None:
    """In a process of the baseline: one call of each engine; without windows only their loading."""
    ears, voice = _loaded()
    if not windows:
        return
    hear(ears, windows, LOAD)
    options = complete_options(voice.capabilities.options, LOAD)
    for part in segment(clean(TEXT), max_chars=voice.capabilities.max_chars):
        for _ in voice.synthesize(SpeechCall(part.text.strip(), options=options)):
            pass
