"""How the benches measure and tell."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True)
class Result:
    """One claim. `bound`: what `value` must not exceed; `detail`: the figures behind it."""

    claim: str
    value: float
    bound: float
    unit: str
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        mark = "ok  " if self.holds else "OVER"
        return (
            f"{mark} {self.claim}: {self.value:.3g}{self.unit} "
            f"(at most {self.bound:g}{self.unit})  {self.detail}"
        )


def paired(
    ours: Callable[[], float], baseline: Callable[[], float], *, runs: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn, so that a machine that drifts drifts for both; one warm-up each."""
    ours(), baseline()
    pairs = [(ours(), baseline()) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median_ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, baseline, strict=True))


def milliseconds(seconds: Sequence[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{middle * 1e3:.1f} ms ({low * 1e3:.1f} to {high * 1e3:.1f})"


@dataclass
class Peak:
    """MiB of memory that only this process uses."""

    start: float
    most: float = field(default=0.0)

    @property
    def grown(self) -> float:
        return self.most - self.start


@contextmanager
def peak_memory(process: psutil.Process) -> Iterator[Peak]:
    """Watches it from outside, every 20 ms."""
    peak = Peak(unique_memory(process))
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak.most = max(peak.most, unique_memory(process))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        done.set()
        watching.join()


def unique_memory(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 2**20
