"""The thinnest HTTP client there is, so that the server is what is measured."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlsplit


class Http:
    """One connection, kept open."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)

    def speak(self, **body: object) -> tuple[float, float, int]:
        """Seconds to the first byte of audio, to the last, and how many bytes came."""
        began = time.perf_counter()
        self._connection.request(
            "POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        received = len(answer.read1(65_536))
        first = time.perf_counter() - began
        while piece := answer.read1(1 << 20):
            received += len(piece)
        return first, time.perf_counter() - began, received

    def transcribe(self, model: str, audio: bytes) -> tuple[float, str]:
        """Seconds, and the text."""
        edge = "edge-of-a-part"
        part = f'--{edge}\r\nContent-Disposition: form-data; name="'
        body = (
            f'{part}model"\r\n\r\n{model}\r\n{part}file"; filename="a.wav"\r\n\r\n'.encode()
            + audio
            + f"\r\n--{edge}--\r\n".encode()
        )
        began = time.perf_counter()
        self._connection.request(
            "POST",
            "/v1/audio/transcriptions",
            body,
            {"Content-Type": f"multipart/form-data; boundary={edge}"},
        )
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return time.perf_counter() - began, str(json.loads(text)["text"])
