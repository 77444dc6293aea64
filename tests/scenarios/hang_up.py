"""A client that leaves in the middle."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.servers import Server


@contextmanager
def hanging_up(server: Server, body: Mapping[str, object]) -> Iterator[socket.socket]:
    """Asks for speech; leaving the context hangs up."""
    data = json.dumps(body).encode()
    address = urlsplit(server.url)
    assert address.hostname is not None
    assert address.port is not None
    head = (
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        client.sendall(head.encode() + data)
        yield client
