"""A client asks for speech and then reads none of it: its place is taken back."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.conftest import StartServer
from tests.servers import ECHO
from tests.wait import until

CONFIG = f"""
[server]
send_timeout = "1s"
{ECHO}
"""
ADMITTED = 'stentor_admitted{model="echo"} '


def test_it_is_cut_off_and_others_are_served(start_server: StartServer) -> None:
    server = start_server(CONFIG)
    address = urlsplit(server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect((address.hostname, address.port))
    text = "A sentence that nobody will hear. " * 1_000  # far more than sockets hold
    body = f'{{"model": "echo", "input": "{text}", "response_format": "wav"}}'.encode()
    head = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with client:
        client.sendall(head.encode() + body)
        until(lambda: ADMITTED + "1.0" in server.http.get("/metrics").text, "it is admitted")
        until(lambda: ADMITTED + "0.0" in server.http.get("/metrics").text, "it is cut off")
        received = bytearray()
        while piece := receive(client):
            received += piece
        assert received.startswith(b"HTTP/1.1 200")
        assert not received.endswith(b"0\r\n\r\n")  # visibly broken: the last chunk is missing
    assert "client_stalled" in server.all_logged()
    speech = server.client().audio.speech.create(model="echo", voice="alloy", input="Next.")
    assert len(speech.content) > 0


def receive(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except ConnectionResetError:
        return b""
