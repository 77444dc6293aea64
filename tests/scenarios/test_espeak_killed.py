"""espeak, which never says a thing twice alike, is killed at any moment: all of it is heard."""

from __future__ import annotations

import random
import threading

import numpy as np
from numpy.typing import NDArray

from tests.audio import Samples, streamed_wav
from tests.conftest import StartServer
from tests.servers import Server

TEXT = " ".join(
    f"{animal} number {number} walked to the {place} and waited."
    for number, (animal, place) in enumerate(
        [
            ("Horse", "river"),
            ("Tiger", "garden"),
            ("Monkey", "window"),
            ("Rabbit", "kitchen"),
            ("Camel", "station"),
            ("Lion", "market"),
            ("Turtle", "island"),
            ("Spider", "church"),
        ],
        start=1,
    )
)
RATE = 24_000
KILLS = 2
"""In one answer, at most."""
CONFIG = ""
"""The models of the base install."""


def listen(server: Server, kill_within: float = 0.0) -> Samples:
    """The answer; with `kill_within`, workers are killed at random moments, at most so many seconds
    apart: in the middle of a segment, between two, and while another one starts.
    """
    body = {"model": "espeak", "input": TEXT, "response_format": "wav"}
    done = threading.Event()

    def kill() -> None:
        for _ in range(KILLS):
            if done.wait(random.uniform(0, kill_within)):
                return
            for worker in server.workers("espeak"):
                worker.kill()

    killing = threading.Thread(target=kill)
    if kill_within:
        killing.start()
    answer = server.http.post("/v1/audio/speech", json=body)
    done.set()
    if kill_within:
        killing.join()
    assert answer.status_code == 200
    return streamed_wav(answer.content)[0]


def envelope(samples: Samples) -> NDArray[np.float64]:
    """Loudness, fifty values a second."""
    frames = samples[: len(samples) // 480 * 480].reshape(-1, 480).astype(np.float64)
    loudness: NDArray[np.float64] = np.sqrt(np.mean(np.square(frames), axis=1))
    return loudness


def likeness(whole: Samples, heard: Samples) -> list[float]:
    """For each second of the whole: how like it the same place of what was heard is, give or take
    0.3 s. The rise and fall of loudness tells words apart; 1 is the same.
    """
    expected, found = envelope(whole), np.pad(envelope(heard), (15, 80))
    return [
        max(
            float(np.corrcoef(expected[at : at + 50], found[at + lag : at + lag + 50])[0, 1])
            for lag in range(31)
        )
        for at in range(0, len(expected) - 50, 50)
    ]


def test_at_random_moments(start_server: StartServer) -> None:
    server = start_server(CONFIG)
    whole = listen(server)
    assert 20 < len(whole) / RATE < 60
    while server.log.count("service_exited") < 8:
        heard = listen(server, kill_within=random.choice((0.02, 0.05, 0.2)))
        assert abs(len(heard) - len(whole)) < 0.3 * RATE
        # Only where a worker was lost may a pause have come out otherwise. A word that was left out
        # or said twice would move all that follows.
        unlike = [place for place in likeness(whole, heard) if place < 0.6]
        assert len(unlike) <= KILLS, unlike
