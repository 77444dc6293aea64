"""Thirty-two clients at once on both routes: no error but a deliberate 429, and nothing is kept."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.conftest import StartServer
from tests.servers import Server
from tests.wait import until

CLIENTS = 32
SENTENCES = (
    "Hello there.",
    "A somewhat longer sentence, with a comma, so that it takes a moment to say.",
    "Many sentences. One after another. " * 12,
)
KEPT_MOST = 24 * 2**20
"""Bytes that a load may leave."""
ROUNDS = 4
"""Loads, until one leaves no more: an allocator holds on to something now and then (the gateway is
seen to take 40 MiB more or less than before), and a leak every time."""


def load(server: Server, seconds: float) -> Counter[int]:
    """How often which status was answered."""
    speech = server.http.post(
        "/v1/audio/speech",
        json={"model": "tts-1", "input": SENTENCES[0], "response_format": "wav", "stream": False},
    ).content
    end = time.monotonic() + seconds

    def client(number: int) -> Counter[int]:
        seen: Counter[int] = Counter()
        chance = random.Random(number)
        with httpx2.Client(base_url=server.url, timeout=120.0) as http:
            while time.monotonic() < end:
                seen[_ask(http, chance, speech)] += 1
        return seen

    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(client, range(CLIENTS)), Counter())


def _ask(http: httpx2.Client, chance: random.Random, speech: bytes) -> int:
    if chance.random() < 0.3:
        answer = http.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "stream": str(chance.random() < 0.5).lower()},
            files={"file": speech},
        )
    else:
        text = chance.choice(SENTENCES)
        form = chance.choice(("wav", "pcm", "mp3"))
        stream = chance.random() < 0.7
        body = {"model": "tts-1", "input": text, "response_format": form, "stream": stream}
        answer = http.post("/v1/audio/speech", json=body)
        if answer.status_code == 200:
            assert len(answer.content) > 5_000
    return answer.status_code


def quiet(server: Server) -> bool:
    return (
        'stentor_admitted{model="espeak"} 0.0' in (metrics := server.http.get("/metrics").text)
        and 'stentor_admitted{model="pocketsphinx"} 0.0' in metrics
    )


def run(server: Server, seconds: float) -> None:
    load(server, 3.0)  # fills pools and caches, which are kept on purpose
    until(lambda: quiet(server), "all requests have left")
    processes = [server.process, *server.workers()]
    files = server.process.num_fds()
    kept: list[list[int]] = []
    while not kept or max(kept[-1]) >= KEPT_MOST:
        assert len(kept) < ROUNDS, kept
        before = [process.memory_full_info().uss for process in processes]
        seen = load(server, seconds)
        until(lambda: quiet(server), "all requests have left")
        assert set(seen) <= {200, 429}, seen
        assert seen[200] > 10
        assert [server.process, *server.workers()] == processes, "a worker was replaced"
        kept.append([p.memory_full_info().uss - b for p, b in zip(processes, before, strict=True)])
    assert until(lambda: server.process.num_fds() <= files + 2, "the connections are closed")
    assert not list(server.temporary.glob("tmp*"))


def test_for_seconds(start_server: StartServer) -> None:
    run(start_server(""), 6.0)


@pytest.mark.long
def test_for_a_minute(start_server: StartServer) -> None:
    run(start_server(""), 60.0)
