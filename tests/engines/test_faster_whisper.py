"""faster-whisper, on its own package, with models whose answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import wav
from tests.engines.conftest import Serve
from tests.servers import Server

pytestmark = pytest.mark.timeout(1800)

KNOWN = "Known answers never change."
TRANSLATED = "Other words follow."


def model(name: str, weights: str, more: str = "") -> str:
    backend = f'{{{{ engine = "faster-whisper", device = "cpu"{more} }}}}'
    return f"[models.{name}]\nweights = '{weights}'\nbackends = [{backend}]\n"


CONFIG = "".join(
    (
        '[models.espeak]\nbackends = [{{ engine = "espeak" }}]\n',
        *(model(kind, f"{{folder}}/{kind}") for kind in ("multilingual", "english", "turbo")),
        model("batched", "{folder}/multilingual", ", options = {{ batch_size = 4 }}"),
        model("threads", "{folder}/multilingual", ", options = {{ compute_type = 'int8' }}"),
        model("nowhere", "{folder}/nowhere"),
        model("lacking", "{folder}"),
        model("hub", "tiny"),
    )
)


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve("faster-whisper", CONFIG) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def speech(client: openai.OpenAI) -> bytes:
    return client.audio.speech.create(
        model="espeak",
        voice="alloy",
        input="A sentence to be heard by somebody.",
        response_format="wav",
    ).content


def heard(client: openai.OpenAI, model: str, audio: bytes, **more: Any) -> Any:
    return client.audio.transcriptions.create(
        model=model, file=("speech.wav", audio), response_format="verbose_json", **more
    )


@pytest.mark.parametrize("model", ["multilingual", "english", "turbo", "batched", "threads"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    answer = heard(client, model, speech)
    assert answer.text == KNOWN
    (segment,) = answer.segments
    assert 0 <= segment.start < segment.end <= answer.duration
    assert segment.tokens
    assert segment.temperature == 0
    assert segment.avg_logprob == pytest.approx(0, abs=0.01)
    assert segment.no_speech_prob == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "Somebody said before"},
        {"language": "de"},
        {"temperature": 0.4},
        {"extra_body": {"options": '{"beam_size": 1}'}},
        {"extra_body": {"options": '{"batch_size": 8, "hotwords": "answers"}'}},
    ],
)
def test_the_answer_stays_whatever_is_asked(
    client: openai.OpenAI, speech: bytes, more: Any
) -> None:
    assert heard(client, "multilingual", speech, **more).text == KNOWN


@pytest.mark.parametrize("model", ["multilingual", "batched", "english"])
def test_words_follow_the_alignment_head(client: openai.OpenAI, speech: bytes, model: str) -> None:
    """Each word is one token, 0.2 s after the one before; the last one has a full stop too."""
    words = heard(client, model, speech, timestamp_granularities=["word"]).words
    assert [word.word for word in words] == KNOWN.split()
    steps = [b.start - a.start for a, b in pairwise(words)]
    assert steps == pytest.approx([0.2] * 3, abs=0.05)
    assert all(word.start < word.end for word in words)


def test_the_language_is_told(client: openai.OpenAI, speech: bytes) -> None:
    assert heard(client, "multilingual", speech).language == "english"
    assert heard(client, "multilingual", speech, language="de").language == "german"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's own opinion of it
def test_it_translates_where_the_model_can(client: openai.OpenAI, speech: bytes) -> None:
    translations = client.audio.translations
    assert translations.create(model="multilingual", file=("a.wav", speech)).text == TRANSLATED
    for model in ("turbo", "english"):
        with pytest.raises(openai.BadRequestError, match="does not translate"):
            translations.create(model=model, file=("a.wav", speech))


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("english", {"language": "de"}, "this model hears en"),
        ("multilingual", {"language": "yue"}, "this model hears"),
        ("multilingual", {"extra_body": {"options": '{"beam_size": 0}'}}, "beam_size"),
        ("multilingual", {"extra_body": {"options": '{"size": 1}'}}, "unknown option"),
        ("multilingual", {"extra_body": {"options": '{"threads": 2}'}}, "set for the model"),
    ],
)
def test_what_cannot_be_is_a_bad_request(
    client: openai.OpenAI, speech: bytes, model: str, more: Any, said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        heard(client, model, speech, **more)


def test_a_blink_of_speech_and_silence_are_heard(client: openai.OpenAI) -> None:
    for seconds in (0.05, 0.5, 3.0):
        silence = wav(np.zeros(round(seconds * 16_000), np.int16), 16_000)
        assert heard(client, "multilingual", silence).text in ("", KNOWN)


def test_turbo_hears_a_language_that_came_later(client: openai.OpenAI, speech: bytes) -> None:
    assert heard(client, "turbo", speech, language="yue").text == KNOWN


@pytest.mark.parametrize(
    ("model", "said"),
    [("nowhere", "nowhere"), ("lacking", "it lacks config.json"), ("hub", "stentor models pull")],
)
def test_missing_weights_are_told(
    client: openai.OpenAI, speech: bytes, model: str, said: str
) -> None:
    with pytest.raises(openai.InternalServerError, match=said) as raised:
        heard(client, model, speech)
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
