"""What each format of speech costs over HTTP, and what events cost over plain audio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench.client import Http
from bench.measure import Result, median_ratio, milliseconds, paired
from bench.speech import CONFIG, RATE, SENTENCE, Bench
from stentor.audio.encode import FORMATS
from stentor.lifecycle.catalog import bundled_engines
from stentor_engine import Settings, SpeechEngine
from stentor_engine.loader import engine_class
from tests.servers import Server


def run() -> Iterator[Result]:
    engine = engine_class(bundled_engines() / "echo.py", "echo")(Settings())
    assert isinstance(engine, SpeechEngine)
    with Server(CONFIG) as server:
        bench = Bench("busy", engine, Http(server.url))
        for audio_format in FORMATS:
            yield first_audio(bench, audio_format)
            yield total(bench, audio_format)
        yield events(bench.http)


def first_audio(bench: Bench, audio_format: str) -> Result:
    """The encoder's own delay is part of ours and of the baseline."""
    ours, theirs = paired(
        lambda: bench.over_http(SENTENCE, audio_format)[0],
        lambda: bench.in_process(SENTENCE, audio_format)[0],
        runs=20,
    )
    extra = statistics.median(a - b for a, b in zip(ours, theirs, strict=True)) * 1e3
    detail = f"HTTP {milliseconds(ours)}, one process {milliseconds(theirs)}"
    return Result(f"first bytes of {audio_format} beyond one process", extra, 10, " ms", detail)


def total(bench: Bench, audio_format: str) -> Result:
    text = SENTENCE * 3
    ours, theirs = paired(
        lambda: bench.over_http(text, audio_format)[1],
        lambda: bench.in_process(text, audio_format)[1],
        runs=7,
    )
    detail = f"HTTP {milliseconds(ours)}, one process {milliseconds(theirs)}"
    claim = f"{audio_format} over the same speech and encoding in one process"
    return Result(claim, median_ratio(ours, theirs), 1.15, "x", detail)


def events(http: Http) -> Result:
    """An engine that costs next to nothing, so that the events are what is seen."""
    text = SENTENCE * 6

    def speak(**fields: object) -> float:
        began = time.perf_counter()
        http.speak(model="espeak", input=text, response_format="wav", **fields)
        return time.perf_counter() - began

    ours, theirs = paired(lambda: speak(stream_format="sse"), speak, runs=25)
    seconds = http.speak(model="espeak", input=text, response_format="pcm")[2] / 2 / RATE
    detail = f"{seconds:.0f} s of espeak: events {milliseconds(ours)}, plain {milliseconds(theirs)}"
    return Result("events over plain audio", median_ratio(ours, theirs), 1.15, "x", detail)
