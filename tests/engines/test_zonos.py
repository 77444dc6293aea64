"""zonos on tiny models: random sounds, of known lengths.

Its code comes from GitHub, or from the checkout that STENTOR_TEST_ZONOS names.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.audio import wav
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
from tests.servers import Server

TOKENS = Tokens(rate=44_100, size=512)
LASTS = 40 * TOKENS.size
"""Samples: so many tokens are in the recipe."""
EMOTIONS = "happiness sadness disgust fear surprise anger other neutral"
say = TOKENS.say


def models() -> Iterator[str]:
    for name in ("tiny", "endless", "foreign", "partial", "lacking", "nowhere"):
        backend = '{{ engine = "zonos", device = "cpu" }}'
        yield f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{backend}]\n'
    for name, device in (("elsewhere", "cuda:7"), ("apple", "mps")):
        backend = f'{{{{ engine = "zonos", device = "{device}" }}}}'
        yield f'[models.{name}]\nweights = "{{folder}}/tiny"\nbackends = [{backend}]\n'


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve("zonos", "".join(models())) as server:
        yield server


def tone(voice: int, seconds: float = 2.0) -> str:
    """A recording as high as the voice's number says."""
    time = np.arange(int(seconds * TOKENS.rate)) / TOKENS.rate
    samples = np.sin(2 * np.pi * 300 * voice * time) * 3000
    return base64.b64encode(wav(samples.astype(np.int16), TOKENS.rate)).decode()


def test_it_speaks_as_long_as_the_weights_make_it(server: Server) -> None:
    TOKENS.assert_sound(say(server), LASTS)


def test_speed_is_the_models_own(server: Server) -> None:
    fast = say(server, speed=2.0)
    assert not np.array_equal(fast[:LASTS], say(server)[:LASTS])
    assert len(fast) < LASTS + TOKENS.pause  # a shorter pause behind it, and the same tokens


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    assert_equal_seeds_are_equal(server, "zonos", say, tone(1))


@pytest.mark.parametrize(
    "option",
    [{"temperature": 2}, {"min_p": 0.9}, {"cfg_scale": 4}, {"anger": 1}, {"pitch_std": 150}],
    ids=str,
)
def test_options_change_what_is_said(server: Server, option: dict[str, object]) -> None:
    changed = say(server, options=option)
    assert TOKENS.of_the_model(changed) == LASTS
    assert not np.array_equal(changed, say(server))


def test_it_takes_on_a_voice(server: Server) -> None:
    one = assert_takes_on_voices(server, say, tone(1), tone(2), option="pitch_std", value=30)
    assert TOKENS.of_the_model(one) == LASTS


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "今天天气很好。"),
        ("de", "Schöner Tag."),
        ("fr", "Bonjour à tous."),
        ("ja", "今日は3時です。"),
        ("en-GB", "A fine day."),
    ],
)
def test_its_languages(server: Server, language: str, text: str) -> None:
    assert TOKENS.of_the_model(say(server, text, language=language)) == LASTS


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "Nobody"},
        {"language": "sv"},
        {"options": {"cfg_scale": 1}},
        {"options": {"temperature": "hot"}},
        {"options": {"nothing": 1}},
        {"options": dict.fromkeys(EMOTIONS.split(), 0)},
        {"reference_audio": tone(1, 0.4)},
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
    assert_stops(server, "zonos", request, start=15.0)


def test_a_full_gpu_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    encoder, decoder = "_model.spk_clone_model", "_model.autoencoder.dac.decoder"
    said = said_after_a_full_gpu(
        "zonos", inside, recipe("zonos") / "tiny", encoder=encoder, decoder=decoder
    )
    assert said == LASTS


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere", "are not there"),
        ("lacking", "speaker/ResNet293_SimAM_ASP_base.pt"),
        ("partial", "its weights lack 1 parts, as backbone.norm_f.weight"),
        ("apple", "runs on auto, cuda, cpu"),
        ("foreign", "its weights cannot be loaded"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
