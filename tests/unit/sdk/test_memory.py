from __future__ import annotations

import sys

import pytest
from wyoming.event import Event

from stentor_engine.errors import MalformedFrame
from stentor_engine.memory import device_memory
from stentor_engine.messages import parse_pong, pong_event


def test_without_pytorch_there_is_nothing_to_tell() -> None:
    assert "torch" not in sys.modules
    assert device_memory() == {}


def test_a_pong_tells_of_memory_and_gives_back_what_the_ping_said() -> None:
    pong = pong_event(Event("ping", {"text": "here"}), {"cuda:0": 5})
    assert pong.data["text"] == "here"
    assert parse_pong(pong) == {"cuda:0": 5}
    assert parse_pong(Event("pong")) == {}


@pytest.mark.parametrize("memory", [5, "much", {"cuda:0": "much"}, {"cuda:0": None}])
def test_what_is_no_memory(memory: object) -> None:
    with pytest.raises(MalformedFrame):
        parse_pong(Event("pong", {"stentor": {"memory": memory}}))
