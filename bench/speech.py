"""Speech over HTTP against the same engine, resampler and encoder in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.client import Http
from bench.measure import Result, median_ratio, milliseconds, paired, peak_memory
from stentor.audio.encode import new_encoder
from stentor.audio.resample import Resampler
from stentor.lifecycle.catalog import bundled_engines
from stentor.text.clean import clean
from stentor.text.segment import segment
from stentor_engine import Settings, SpeechCall, SpeechEngine, Word, complete_options
from stentor_engine.loader import engine_class
from stentor_engine.yielded import s16le
from tests.servers import Server

SENTENCE = "The old lighthouse keeper climbed the stairs, one by one, as he had for forty years. "
RATE = 24_000
ECHO_LOAD = 0.05
"""CPU seconds that the echo engine burns for each second of audio: a quick model on a CPU."""
CONFIG = f"""
[models.busy]
backends = [{{ engine = "echo", options = {{ cpu = {ECHO_LOAD} }} }}]
"""


@dataclass(frozen=True)
class Bench:
    model: str
    engine: SpeechEngine
    http: Http

    def call(self, text: str) -> SpeechCall:
        options = {"cpu": ECHO_LOAD} if self.model == "busy" else {}
        declared = self.engine.capabilities.options
        return SpeechCall(text, options=complete_options(declared, options))

    def over_http(self, text: str, audio_format: str = "wav") -> tuple[float, float, int]:
        """Seconds to the first byte and to the last, and the bytes."""
        return self.http.speak(model=self.model, input=text, response_format=audio_format)

    def first_piece(self, text: str) -> float:
        began = time.perf_counter()
        pieces = self.engine.synthesize(self.call(text))
        for piece in pieces:
            if isinstance(piece, np.ndarray) and len(piece):
                break
        seconds = time.perf_counter() - began
        for _ in pieces:  # to its end: the next run begins with an idle engine
            pass
        return seconds

    def in_process(self, text: str, audio_format: str = "wav") -> tuple[float, float]:
        """Seconds to the first byte and to the last."""
        began = time.perf_counter()
        resampler = Resampler(self.engine.capabilities.sample_rate, RATE)
        encoder = new_encoder(audio_format, RATE)
        first = 0.0
        for piece in self._pieces(text):
            if encoder.push(resampler.push(piece)) and not first:
                first = time.perf_counter() - began
        encoder.push(resampler.flush())
        encoder.finish()
        return first, time.perf_counter() - began

    def _pieces(self, text: str) -> Iterator[np.ndarray]:
        most = self.engine.capabilities.max_chars
        for part in segment(clean(text), max_chars=most):
            for piece in self.engine.synthesize(self.call(part.text.strip())):
                if piece is not None and not isinstance(piece, Word):
                    yield np.frombuffer(s16le(piece), np.int16)


def run() -> Iterator[Result]:
    engines = {"espeak": ("espeak", "espeak"), "busy": ("echo", "echo")}
    with Server(CONFIG) as server:
        for model, (file, name) in engines.items():
            loaded = engine_class(bundled_engines() / f"{file}.py", name)(Settings())
            assert isinstance(loaded, SpeechEngine)
            bench = Bench(model, loaded, Http(server.url))
            yield first_audio(bench)
            yield total(bench)
            if model == "espeak":
                yield from long_text(bench, server)


def first_audio(bench: Bench) -> Result:
    ours, theirs = paired(
        lambda: bench.over_http(SENTENCE)[0], lambda: bench.first_piece(SENTENCE), runs=40
    )
    extra = statistics.median(a - b for a, b in zip(ours, theirs, strict=True)) * 1e3
    detail = f"HTTP {milliseconds(ours)}, engine {milliseconds(theirs)}"
    return Result(f"first audio over HTTP beyond {bench.model}'s own", extra, 10, " ms", detail)


def total(bench: Bench) -> Result:
    text = SENTENCE * 6
    ours, theirs = paired(
        lambda: bench.over_http(text)[1], lambda: bench.in_process(text)[1], runs=15
    )
    seconds = (bench.over_http(text)[2] - 44) / 2 / RATE
    detail = f"{seconds:.0f} s: HTTP {milliseconds(ours)}, one process {milliseconds(theirs)}"
    claim = f"total over synthesis, resampling and encoding of {bench.model}"
    return Result(claim, median_ratio(ours, theirs), 1.15, "x", detail)


def long_text(bench: Bench, server: Server) -> Iterator[Result]:
    long = (SENTENCE * (100_000 // len(SENTENCE) + 1))[:100_000]
    with peak_memory(server.process) as short_peak:
        short = [bench.over_http(SENTENCE)[0] for _ in range(5)]
    with peak_memory(server.process) as long_peak:
        first, last, size = bench.over_http(long)
    detail = (
        f"long {milliseconds([first])}, one sentence {milliseconds(short)}; "
        f"{size / 2 / RATE / 60:.0f} min of speech in {last:.1f} s"
    )
    extra = (first - statistics.median(short)) * 1e3
    yield Result("first audio of 100 000 characters beyond a sentence's", extra, 10, " ms", detail)
    grown = long_peak.most - short_peak.most
    detail = f"peak {long_peak.most:.0f} MiB, one sentence {short_peak.most:.0f} MiB"
    yield Result("memory during it beyond a sentence's", grown, 30, " MiB", detail)
