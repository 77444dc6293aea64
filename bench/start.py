"""How soon it is there, and what it costs while nothing happens."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from bench.measure import Result, milliseconds, timed, unique_memory
from tests.servers import Server


def run() -> Iterator[Result]:
    baseline = [timed(lambda: _python("-c", "pass")) for _ in range(5)]
    help_page = [timed(lambda: _python("-m", "stentor.cli.main", "--help")) for _ in range(6)][1:]
    detail = f"{milliseconds(help_page)}, Python alone {milliseconds(baseline)}"
    yield Result("stentor --help", statistics.median(help_page), 0.2, " s", detail)
    starts = []
    for _ in range(4):
        server = Server()
        starts.append(timed(server.__enter__))
        memory = unique_memory(server.process)
        resident = server.process.memory_info().rss / 2**20
        server.__exit__(None, None, None)
    yield Result(
        "stentor serve to ready", statistics.median(starts[1:]), 2.5, " s", milliseconds(starts[1:])
    )
    detail = f"{memory:.0f} MiB of it unique"
    yield Result("idle gateway's resident memory", resident, 150, " MiB", detail)


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
