"""higgs on tiny models: random sounds, of known lengths."""

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

TOKENS = Tokens(rate=24_000, size=960)
LASTS = 24 * TOKENS.size
"""Samples: so many tokens are in the recipe."""
say = TOKENS.say


def models() -> Iterator[str]:
    for name in ("tiny", "endless", "foreign", "lacking", "half", "mute", "nowhere"):
        backend = '{{ engine = "higgs", device = "cpu" }}'
        yield f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{backend}]\n'
    for name, device in (("elsewhere", "cuda:7"), ("apple", "mps")):
        backend = f'{{{{ engine = "higgs", device = "{device}" }}}}'
        yield f'[models.{name}]\nweights = "{{folder}}/tiny"\nbackends = [{backend}]\n'


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve("higgs", "".join(models())) as server:
        yield server


def test_it_speaks_as_long_as_the_weights_make_it(server: Server) -> None:
    TOKENS.assert_sound(say(server), LASTS)


def test_a_mark_in_a_text_is_spoken(server: Server) -> None:
    assert TOKENS.of_the_model(say(server, "Hello <|AUDIO_OUT|> you.")) == LASTS


def test_its_voices_are_descriptions(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "tiny"}).json()["voices"]
    assert [each["id"] for each in voices] == ["feminine", "masculine"]
    assert np.array_equal(say(server, voice="onyx"), say(server, voice="masculine"))
    assert not np.array_equal(say(server), say(server, voice="masculine"))


def test_it_follows_instructions(server: Server) -> None:
    told = say(server, instructions="A whisper in a cave.")
    assert TOKENS.of_the_model(told) == LASTS
    assert not np.array_equal(told, say(server))


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    assert_equal_seeds_are_equal(server, "higgs", say, recording(1))


@pytest.mark.parametrize("option", [{"temperature": 2}, {"top_k": 1}, {"top_p": 0.1}], ids=str)
def test_options_change_what_is_said(server: Server, option: dict[str, object]) -> None:
    changed = say(server, options=option)
    assert TOKENS.of_the_model(changed) == LASTS
    assert not np.array_equal(changed, say(server))


def test_it_takes_on_a_voice(server: Server) -> None:
    one = assert_takes_on_voices(server, say, recording(1), recording(2), option="top_k", value=500)
    assert TOKENS.of_the_model(one) == LASTS


@pytest.mark.parametrize(
    ("language", "text"), [("zh", "今天天气很好。"), ("de", "Schöner Tag."), ("ko", "안녕하세요.")]
)
def test_its_languages(server: Server, language: str, text: str) -> None:
    assert TOKENS.of_the_model(say(server, text, language=language)) == LASTS


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "Nobody"},
        {"language": "sv"},
        {"options": {"top_p": 0}},
        {"options": {"temperature": "hot"}},
        {"options": {"nothing": 1}},
        {"reference_audio": recording(1, 0.4)},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT, "stream": False}
    refused_speech(server, body | more)


def test_a_model_that_comes_to_no_end_is_told(server: Server) -> None:
    assert_no_end_is_told(server)


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    text = TEXT.replace(".", ",") * 10
    request = speech_request(model="endless", input=text, voice="alloy")
    assert_stops(server, "higgs", request, start=15.0)


def test_a_full_gpu_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    encoder, decoder = "_codec.acoustic_encoder", "_codec.acoustic_decoder"
    said = said_after_a_full_gpu(
        "higgs", inside, recipe("higgs") / "tiny", encoder=encoder, decoder=decoder
    )
    assert said == LASTS


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere", "are not there"),
        ("lacking", "chat_template.jinja"),
        ("half", "model.safetensors"),
        ("mute", "codec/config.json"),
        ("apple", "runs on auto, cuda, cpu"),
        ("foreign", "its weights cannot be loaded"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
