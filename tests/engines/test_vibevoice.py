"""vibevoice on tiny models: random sounds, of known lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.engines.conftest import Inside, Serve
from tests.engines.hang_up import assert_stops, speech_request
from tests.engines.refusals import refused_speech, unavailable
from tests.engines.sampling import (
    TEXT,
    Tokens,
    assert_equal_seeds_are_equal,
    assert_no_end_is_told,
    assert_takes_on_voices,
    said_after_a_full_gpu,
)
from tests.engines.speaking import recording
from tests.servers import Server

TOKENS = Tokens(rate=24_000, size=3_200)
SCRIPT = "Read this.\nSpeaker 0: {}\nSpeech:."
"""Of the recipe: a token for each byte, and one for the mark at its end."""
say = TOKENS.say


def lasts(text: str) -> int:
    """Samples: audio ends the speech when there are more tokens of it than a tenth of the
    script's.
    """
    return (len(SCRIPT.format(text).encode()) // 10 + 1) * TOKENS.size


def models() -> Iterator[str]:
    for name in ("tiny", "endless", "foreign", "lacking", "half", "nowhere"):
        backend = '{{ engine = "vibevoice", device = "cpu" }}'
        yield f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{backend}]\n'
    backend = '{{ engine = "vibevoice", device = "cuda:7" }}'
    yield f'[models.elsewhere]\nweights = "{{folder}}/tiny"\nbackends = [{backend}]\n'


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve("vibevoice", "".join(models())) as server:
        yield server


@pytest.mark.parametrize("text", [TEXT, TEXT + " It is a longer one, of all those words.", "Ja."])
def test_it_speaks_as_long_as_the_weights_make_it(server: Server, text: str) -> None:
    TOKENS.assert_sound(say(server, text), lasts(text))


def test_a_text_is_no_script(server: Server) -> None:
    """What looks like one of the model's marks is spoken, and no place for a voice."""
    audio = say(server, "Hello <|vision_pad|> you.")
    assert TOKENS.of_the_model(audio) >= lasts("Hello you.")


def test_it_streams(server: Server) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT * 8, "response_format": "pcm"}
    with server.http.stream("POST", "/v1/audio/speech", json=body, timeout=120) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 1
    assert sum(map(len, pieces)) / 2 >= lasts(TEXT * 8)


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    assert_equal_seeds_are_equal(server, "vibevoice", say, recording(1))


@pytest.mark.parametrize("option", [{"guidance_scale": 3.0}, {"diffusion_steps": 4}], ids=str)
def test_options_change_what_is_said(server: Server, option: dict[str, object]) -> None:
    changed = say(server, options=option)
    assert TOKENS.of_the_model(changed) == lasts(TEXT)
    assert not np.array_equal(changed, say(server))


def test_it_takes_on_a_voice(server: Server) -> None:
    one = assert_takes_on_voices(
        server, say, recording(1), recording(2), option="diffusion_steps", value=10
    )
    assert TOKENS.of_the_model(one) >= lasts(TEXT)


def test_its_languages(server: Server) -> None:
    text = "今天天气很好" * 3
    assert TOKENS.of_the_model(say(server, text, language="zh-CN")) == lasts(text)


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "Nobody"},
        {"language": "sv"},
        {"options": {"diffusion_steps": 0}},
        {"options": {"guidance_scale": 9}},
        {"options": {"nothing": 1}},
        {"reference_audio": recording(1, 0.4)},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT, "stream": False}
    refused_speech(server, body | more)


def test_a_model_that_comes_to_no_end_is_told(server: Server) -> None:
    assert_no_end_is_told(server, options={"diffusion_steps": 2})


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    text, options = TEXT.replace(".", ",") * 30, {"diffusion_steps": 100}
    request = speech_request(model="endless", input=text, voice="alloy", options=options)
    assert_stops(server, "vibevoice", request, start=15.0)


def test_a_full_gpu_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    tower = "_model.model.audio_tower"
    said = said_after_a_full_gpu(
        "vibevoice",
        inside,
        recipe("vibevoice") / "tiny",
        encoder=f"{tower}.encoder",
        decoder=f"{tower}.decoder",
    )
    assert said >= lasts("Hello.")


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere", "are not there"),
        ("lacking", "chat_template.jinja"),
        ("half", "model.safetensors"),
        ("foreign", "its weights cannot be loaded"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
