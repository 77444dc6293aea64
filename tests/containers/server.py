"""What runs in the containers of these tests: a small server that speaks OpenAI's API. It needs
nothing but Python: `python server.py PORT`, with FAULT in its environment.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RATE = 16_000
FAULT = os.environ.get("FAULT", "")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(503 if FAULT == "never ready" else 200, b"{}")
        elif self.path == "/environment":
            told = {name: os.environ.get(name) for name in ("FAULT", "GREETING")}
            self.answer(200, json.dumps(told).encode())
        elif self.path.startswith("/file/"):
            with open(self.path.removeprefix("/file"), "rb") as file:
                self.answer(200, file.read())
        else:
            self.answer(404, b"{}")

    def do_POST(self) -> None:
        """A tenth of a second for each letter."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wave = b"".join(
            struct.pack("<h", 8_000 if at // 20 % 2 else -8_000) for at in range(RATE // 10)
        )
        audio = wave * len(body["input"])
        if FAULT == "stall once" and not os.path.exists("/marks/mark"):
            open("/marks/mark", "w").close()
            threading.Event().wait()
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
        riff = struct.pack("<4sI4s", b"RIFF", 36 + len(audio), b"WAVE")
        self.answer(200, riff + form + struct.pack("<4sI", b"data", len(audio)) + audio)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name there
        """Nothing."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the first process has no default
    if FAULT == "dies starting":
        sys.exit("no such GPU")
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
