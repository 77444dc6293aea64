"""A client hangs up. Its work ends within one piece: the worker's CPU time stands still."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest

from tests.audio import decoded, wav
from tests.conftest import StartServer
from tests.servers import Server
from tests.wait import until

PIECE = 0.2
"""CPU seconds that the engine burns for a piece."""
BUSY = f"""
[models.echo]
backends = [{{ engine = "echo", options = {{ cpu = 1.0, piece_seconds = {PIECE} }} }}]
[models.echo-transcribe]
backends = [{{ engine = "echo-transcribe", options = {{ cpu = {PIECE} }} }}]
"""
TEXT = "A sentence that takes a while to say. " * 50


def speech_request(stream: bool) -> bytes:
    body = f'{{"model": "echo", "input": "{TEXT}", "stream": {str(stream).lower()}}}'.encode()
    head = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def transcription_request(audio: bytes, *, stream: bool = False) -> bytes:
    edge = "----edge"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="model"\r\n\r\necho-transcribe\r\n'
        f'--{edge}\r\nContent-Disposition: form-data; name="stream"\r\n\r\n{stream}\r\n'
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    ).encode() + audio
    body += f"\r\n--{edge}--\r\n".encode()
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary={edge}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname is not None
    assert address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=30)


def cpu(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return times.user + times.system


def assert_busy_then_still(server: Server, engine: str, client: socket.socket) -> None:
    """Hangs up while the engine burns CPU, which then stops after at most the piece it is in."""
    worker = server.worker(engine)
    start = cpu(worker)
    until(lambda: cpu(worker) > start + 2 * PIECE, "the engine works")
    client.close()
    spent = cpu(worker)

    def still() -> bool:
        before = cpu(worker)
        time.sleep(1.5 * PIECE)  # longer than a piece: a working engine would show
        return cpu(worker) - before < 0.1 * PIECE

    until(still, "the engine stands still", timeout=10)
    assert cpu(worker) - spent < 10 * PIECE  # of the 100 and more that the whole would cost
    assert 'stentor_admitted{model="' + engine + '"} 0.0' in server.http.get("/metrics").text


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "complete"])
def test_while_it_is_spoken_to(start_server: StartServer, stream: bool) -> None:
    server = start_server(BUSY)
    client = connect(server)
    client.sendall(speech_request(stream))
    if stream:
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert_busy_then_still(server, "echo", client)


def test_before_the_first_audio(start_server: StartServer) -> None:
    """The answer has not begun, so there is no stream yet that could be seen to break."""
    server = start_server(BUSY.replace("piece_seconds", "delay = 1, piece_seconds"))
    client = connect(server)
    client.sendall(speech_request(stream=True))
    until(lambda: server.workers("echo"), "the worker starts")
    client.close()
    worker = server.worker("echo")
    until(
        lambda: 'stentor_admitted{model="echo"} 0.0' in server.http.get("/metrics").text,
        "the request has left",
    )
    assert cpu(worker) < 2.0


def test_while_it_is_listened_to(start_server: StartServer, recording: Path) -> None:
    server = start_server(BUSY.replace(f"cpu = {PIECE}", "cpu = 1.0"))
    client = connect(server)
    client.sendall(transcription_request(recording.read_bytes()))
    assert_busy_then_still(server, "echo-transcribe", client)


def test_while_a_long_file_is_read(start_server: StartServer, recording: Path) -> None:
    """The engine costs nothing: what works when the client leaves is the reading of the file."""
    server = start_server()
    samples, rate = decoded(recording.read_bytes())
    request = transcription_request(wav(np.tile(samples, 60), rate), stream=True)
    for _ in range(5):
        heard = random.randint(1, 20)
        with connect(server) as client:
            client.sendall(request)
            received = b""
            while received.count(b"transcript.text.delta") < heard:
                piece = client.recv(65_536)
                assert piece, received[-500:]
                received += piece
            assert b"transcript.text.done" not in received
        until(
            lambda: (
                'stentor_admitted{model="echo-transcribe"} 0.0' in server.http.get("/metrics").text
            ),
            f"the request has left after {heard} events",
        )
    assert "Traceback" not in server.all_logged()
