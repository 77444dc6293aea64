"""What an engine's server refuses, and how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import openai
import pytest

from tests.servers import Server


@contextmanager
def unavailable(told: str, *, hidden: str | None = None) -> Iterator[None]:
    """What is asked inside is refused, since the model cannot be loaded: that says `told`, and
    nothing of `hidden`.
    """
    with pytest.raises(openai.InternalServerError) as raised:
        yield
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
    assert told in str(raised.value)
    assert hidden is None or hidden not in str(raised.value)


def refused_speech(server: Server, body: dict[str, object]) -> None:
    """It is, as a bad request."""
    answer = server.http.post("/v1/audio/speech", json=body, timeout=120)
    assert answer.status_code == 400, answer.text
