"""A worker is killed at moments that nothing in Stentor knows of. The listener hears the whole
text, once.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from tests.audio import Samples, streamed_wav
from tests.conftest import StartServer
from tests.servers import Server

TEXT = (
    "The quick brown fox jumps over the lazy dog, and then it goes home. "
    "There it finds another fox, who is asleep; the two of them have supper. "
    "Nobody had told the dog. It waited until the morning came, and left."
)
RATE = 24_000
CALM = "delay = 0.0, piece_delay = 0.02, piece_seconds = 0.2"


def echo(options: str) -> str:
    return f'[models.echo]\nbackends = [{{ engine = "echo", options = {{ {options} }} }}]\n'


def stream(server: Server) -> Iterator[bytes]:
    # The seed is given: derived, it would depend on the options too.
    body = {"model": "echo", "input": TEXT, "response_format": "wav", "seed": 1}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200, answer.read()
        yield from answer.iter_raw()


def spoken(server: Server) -> Samples:
    samples, rate = streamed_wav(b"".join(stream(server)))
    assert rate == RATE
    return samples


def tones(samples: Samples) -> int:
    """How many characters were spoken: each is a tone that swells and fades."""
    frames = samples[: len(samples) // 120 * 120].reshape(-1, 120).astype(np.float64)
    loud = np.sqrt(np.mean(np.square(frames), axis=1)) > 3_000
    return int(np.count_nonzero(loud[1:] & ~loud[:-1])) + int(loud[0])


def test_before_the_first_audio(start_server: StartServer) -> None:
    server = start_server(echo("delay = 0.4"))
    expected = spoken(server)
    for _ in range(3):
        worker = server.worker("echo")
        killing = threading.Timer(random.uniform(0.0, 0.4), worker.kill)
        killing.start()
        assert np.array_equal(spoken(server), expected)
        killing.join()


def test_in_mid_stream_of_a_deterministic_engine(start_server: StartServer) -> None:
    """It is spoken again, and what was sent is skipped: the samples are the same."""
    server = start_server(echo(CALM))
    expected = spoken(server)
    for _ in range(3):
        assert np.array_equal(heard_while_killing(server), expected)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("exact = false, word_times = true", id="goes-on-from-the-last-word"),
        pytest.param("exact = false, word_times = false", id="held-until-complete"),
    ],
)
def test_in_mid_stream_of_an_engine_that_never_repeats_itself(
    start_server: StartServer, options: str
) -> None:
    server = start_server(echo(f"{CALM}, {options}"))
    expected = spoken(server)
    assert tones(expected) == len("".join(TEXT.split()))
    for _ in range(3):
        heard = heard_while_killing(server)
        assert tones(heard) == tones(expected)
        assert abs(len(heard) - len(expected)) < 0.05 * RATE


def test_again_and_again(start_server: StartServer) -> None:
    """The engine itself crashes, in one piece of a hundred at random."""
    expected = spoken(start_server(echo(CALM)))
    server = start_server(echo(f"{CALM}, crash_rate = 0.01"))
    while "service_exited" not in server.log:
        assert np.array_equal(spoken(server), expected)


def heard_while_killing(server: Server) -> Samples:
    """Kills the worker after a random part of the answer has come."""
    kill_after = random.uniform(0.05, 0.6) * len(TEXT) * 0.06 * RATE * 2
    heard = b""
    killed = False
    for piece in stream(server):
        heard += piece
        if not killed and len(heard) > kill_after:
            worker = server.worker("echo")
            worker.kill()
            worker.wait(10)
            killed = True
    assert killed
    return streamed_wav(heard)[0]
