"""pocket-tts on tiny models: random voices, of known lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audio import Samples
from tests.engines.conftest import Inside
from tests.engines.hang_up import assert_stops, speech_request
from tests.engines.refusals import refused_speech, unavailable
from tests.engines.speaking import recording, spoken
from tests.servers import Server

ENGINE = "pocket-tts"
RATE, FRAME = 24_000, 1_920
TEXT = "Hello there, you who listen."
FRAMES = 6 + 3
"""The fewest that the package lets it end after, and those that follow."""
SHORT = 6 + 5
"""Of up to four words."""
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment."""


def models() -> Iterator[str]:
    named = ("tiny", "plain", "endless", "voiceless", "foreign", "lacking", "klingon", "nowhere")
    for name in named:
        backend = '{{ engine = "pocket-tts" }}'
        yield f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{backend}]\n'
    backend = '{{ engine = "pocket-tts", device = "cuda:7" }}'
    yield f'[models.elsewhere]\nweights = "{{folder}}/tiny"\nbackends = [{backend}]\n'


CONFIG = "".join(models())


def say(server: Server, text: str = TEXT, **more: Any) -> Samples:
    usual: dict[str, Any] = {"model": "tiny", "seed": 1}
    return spoken(server, text, rate=RATE, **usual | more)


def test_it_speaks_as_long_as_the_weights_make_it(server: Server) -> None:
    audio = say(server)
    assert len(audio) == FRAMES * FRAME + PAUSE
    assert np.abs(audio[:-PAUSE].astype(float)).max() > 1000
    assert not audio[-PAUSE // 2 :].any()
    assert len(say(server, "Hello.")) == SHORT * FRAME + PAUSE


def test_each_voice_is_its_own(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "tiny"}).json()["voices"]
    assert [each["id"] for each in voices] == ["alba", "cosette", "marius"]
    first, other = (say(server, voice=name) for name in ("alba", "marius"))
    assert np.array_equal(first, say(server))
    assert not np.array_equal(first, other)


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    first = say(server)
    assert not np.array_equal(first, say(server, seed=2))
    assert not np.array_equal(first, say(server, options={"temperature": 1.0}))
    assert not np.array_equal(first, say(server, options={"decode_steps": 4}))
    assert not np.array_equal(first, say(server, "Something else is said here."))
    other = say(server, model="plain")
    assert np.array_equal(first, other)


def test_it_takes_on_a_voice(server: Server) -> None:
    one, other, again = (
        say(server, reference_audio=recording(seed), options={"eos_threshold": -4 - n})
        for n, seed in enumerate((1, 2, 1))
    )
    assert len(one) == FRAMES * FRAME + PAUSE
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, say(server))
    assert np.array_equal(one, again)
    assert np.array_equal(one, say(server, model="voiceless", reference_audio=recording(1)))


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "nobody"},
        {"language": "sv"},
        {"options": {"temperature": -1}},
        {"options": {"nothing": 1}},
        {"reference_audio": recording(1, 0.4)},
        {"model": "plain", "reference_audio": recording(1)},
        {"model": "voiceless"},
    ],
    ids=lambda more: str(more)[:60],
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT, "stream": False} | more
    refused_speech(server, body)


@pytest.mark.parametrize("text", ["(a)", "-1-", "”'a'“", "\U0001f920 b", "a;b:c,d"])
def test_odd_texts_do_no_harm(server: Server, text: str) -> None:
    assert len(say(server, text)) == SHORT * FRAME + PAUSE


def test_a_model_that_comes_to_no_end_is_told(server: Server) -> None:
    """The package would have cut it off."""
    body = {"model": "endless", "voice": "alloy", "input": "Hello.", "stream": False}
    answer = server.http.post("/v1/audio/speech", json=body, timeout=120)
    assert answer.status_code >= 500
    assert "did not come to an end" in answer.text


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(390))
    say(server, "Hello.")
    request = speech_request(
        model="endless", input=text, voice="alloy", options={"decode_steps": 32}
    )
    assert_stops(server, ENGINE, request, start=9.0)


FULL = """
import json, sys
from pathlib import Path
import numpy as np, torch
from stentor_engine import OutOfMemory, Reference, Settings, SpeechCall, complete_options
from stentor_engine.loader import engine_class

engine = engine_class(Path(sys.argv[1]), "pocket-tts")(Settings(weights=sys.argv[2]))
options = complete_options(engine.capabilities.options)
noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 9
call = SpeechCall("Hello.", options=options, reference=Reference("noise", noise))
model = engine._model
counted = []
model.mimi.encoder.register_forward_hook(lambda *_: counted.append(1))

def full(*_):
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes.")

def spoken():
    try:
        return sum(len(piece) for piece in engine.synthesize(call) if piece is not None)
    except OutOfMemory as error:
        return str(error)

answers = []
for part in (model.mimi.encoder, model.flow_lm.flow_net, model.mimi.decoder, None):
    handle = part.register_forward_hook(full) if part else None
    answers.append(spoken())
    if handle:
        handle.remove()
computed = len(counted)
spoken()
print(json.dumps([*answers, len(counted) - computed]))
"""
"""Run in the engine's environment: the machine is not to be filled."""


def test_a_full_machine_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    """And what was computed of a recording is kept."""
    *full, length, computed = inside(ENGINE, FULL, str(recipe(ENGINE) / "tiny"))
    assert len(full) == 3
    assert all("can't allocate" in str(each) for each in full), full
    assert length == SHORT * FRAME
    assert computed == 0


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere", "are not there"),
        ("lacking", "model.safetensors"),
        ("foreign", "weights cannot be loaded"),
        ("klingon", "no language"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
