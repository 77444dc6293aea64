from __future__ import annotations

from dataclasses import replace

import pytest

from stentor.pipelines.key import resolve_seed, segment_key
from stentor_engine import SpeechCall

CALL = SpeechCall("hello", voice="a", language="en", speed=1.0, seed=3, options={"b": 1, "a": 2})


def key(call: SpeechCall, revision: str = "") -> str:
    return segment_key(call, model="m", revision=revision)


def test_equal_calls_have_equal_keys_in_every_process() -> None:
    same = replace(CALL, options={"a": 2, "b": 1})
    assert key(CALL) == key(same)
    assert key(CALL) == "34b96f64c33676471d9f37e08802b3819674066f69d5e4eecf4cef2e67d9abd6"


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, text="hello "),
        replace(CALL, voice=None),
        replace(CALL, language="de"),
        replace(CALL, speed=1.5),
        replace(CALL, seed=4),
        replace(CALL, instructions="sadly"),
        replace(CALL, options={"a": 2}),
    ],
)
def test_whatever_shapes_the_sound_is_in_the_key(other: SpeechCall) -> None:
    assert key(other) != key(CALL)
    assert key(CALL, revision="2") != key(CALL)


def test_seeds() -> None:
    assert resolve_seed(7, "ff" * 32) == 7
    assert resolve_seed(None, "ff" * 32) == 2**31 - 1
    assert resolve_seed(None, "00" * 32) == 0
    takes = {resolve_seed(-1, "ff" * 32) for _ in range(8)}
    assert len(takes) > 1
    assert all(0 <= take < 2**31 for take in takes)
