"""parakeet on onnx-asr, with tiny models that hear a low and a high tone."""

from __future__ import annotations

from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import Samples, wav
from tests.engines import hearing
from tests.engines.hang_up import assert_stops, transcription_request
from tests.engines.hearing import EVERYTHING, RATE, silence
from tests.engines.refusals import unavailable
from tests.servers import Server

ENGINE = "parakeet"
FRAME = 0.08
"""Seconds: what one token's step is counted in."""
MODELS = ("tdt", "int8", "rnnt", "english", "huge", "slow", "half", "odd", "ctc", "canary")
KNOWN = "Low note. High one?"
CONFIG = """
[models.espeak]
backends = [{{ engine = "espeak" }}]
[models.elsewhere]
weights = "{folder}/tdt"
backends = [{{ engine = "parakeet", device = "cuda:7" }}]
""" + "".join(
    f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{{{{ engine = "parakeet" }}}}]\n'
    for name in MODELS
)


def tone(hertz: float, seconds: float = 1.2) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    edge = np.clip(np.minimum(time, time[::-1]) / 0.03, 0, 1)  # or its ends would be heard as high
    return np.round(16_000 * edge * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


TONES = np.concatenate([silence(0.48), tone(300), silence(0.4), tone(3000), silence(0.6)])


def heard(client: openai.OpenAI, model: str, samples: Samples = TONES, **more: Any) -> Any:
    """Tones are not speech: heard are they all the same where everything is."""
    extra = {"chunking_strategy": EVERYTHING} | more.pop("extra_body", {})
    return hearing.heard(client, model, wav(samples, RATE), extra_body=extra, **more)


@pytest.mark.parametrize("model", ["tdt", "int8", "english", "rnnt"])
def test_the_tones_are_heard(client: openai.OpenAI, model: str) -> None:
    answer = heard(client, model)
    assert answer.text == KNOWN
    low, high = answer.segments
    assert [low.text.strip(), high.text.strip()] == ["Low note.", "High one?"]
    assert low.start == pytest.approx(0.48, abs=FRAME)
    assert high.start == pytest.approx(0.48 + 1.2 + 0.4, abs=FRAME)
    assert low.avg_logprob == pytest.approx(0, abs=0.01)
    assert heard(client, model, TONES[::-1]).text == "High one? Low note."


def test_words_are_told_in_time(client: openai.OpenAI) -> None:
    """A token is four frames long, and each word has two."""
    words = heard(client, "tdt", timestamp_granularities=["word"]).words
    assert [word.word for word in words] == KNOWN.split()
    starts = [0.48, 0.48 + 0.64, 2.08, 2.08 + 0.64]
    assert [word.start for word in words] == pytest.approx(starts, abs=FRAME)
    assert [word.end - word.start for word in words] == pytest.approx([0.64] * 4, abs=0.02)


def test_other_kinds_come_by_their_config(client: openai.OpenAI) -> None:
    answer = heard(client, "ctc", timestamp_granularities=["word"])
    assert [word.word for word in answer.words] == ["low", "high"]
    assert [word.start for word in answer.words] == pytest.approx([0.48, 2.08], abs=FRAME)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's own opinion of it
def test_canary_is_told_its_language_and_translates(client: openai.OpenAI) -> None:
    assert heard(client, "canary", language="de").text == "Worte."
    assert heard(client, "canary", language="en").text == "Words."
    speech = client.audio.speech.create(
        model="espeak", voice="alloy", input="Guten Abend allerseits.", response_format="wav"
    ).content
    translated = client.audio.translations.create(
        model="canary", file=("speech.wav", speech), extra_body={"language": "de"}
    )
    assert translated.text == "Words."
    with pytest.raises(openai.BadRequestError, match="name one as"):
        heard(client, "canary")
    with pytest.raises(openai.BadRequestError, match="does not tell when"):
        heard(client, "canary", language="de", timestamp_granularities=["word"])
    with pytest.raises(openai.BadRequestError, match="does not translate"):
        client.audio.translations.create(model="tdt", file=("tones.wav", wav(TONES, RATE)))


def test_more_than_a_window_is_heard(client: openai.OpenAI) -> None:
    """Twelve pairs of tones in 46 s, cut in the pauses between them."""
    answer = heard(client, "tdt", np.tile(TONES, 12))
    assert answer.text == " ".join([KNOWN] * 12)


@pytest.mark.parametrize("seconds", [0.05, 0.12, 0.5, 3.0])
def test_silence_is_nothing(client: openai.OpenAI, seconds: float) -> None:
    assert heard(client, "tdt", silence(seconds)).text == ""


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("english", {"language": "de"}, "this model hears en"),
        ("tdt", {"language": "ja"}, "this model hears"),
        ("tdt", {"extra_body": {"options": '{"threads": 1}'}}, "set for the model"),
        ("tdt", {"extra_body": {"options": '{"threads": 65}'}}, "threads"),
        ("tdt", {"extra_body": {"options": '{"beams": 1}'}}, "unknown option"),
    ],
)
def test_what_cannot_be_is_a_bad_request(
    client: openai.OpenAI, model: str, more: Any, said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        heard(client, model, **more)


def test_out_of_memory_is_told_and_gone(client: openai.OpenAI) -> None:
    assert heard(client, "huge").text == KNOWN
    with pytest.raises(openai.InternalServerError) as raised:
        heard(client, "huge", np.concatenate([TONES, silence(3)]))
    assert raised.value.code == "out_of_memory"
    assert heard(client, "huge").text == KNOWN


def test_a_hang_up_stops_it_amid_a_window(server: Server) -> None:
    audio = wav(TONES, RATE)
    request = transcription_request(audio, model="slow", chunking_strategy=EVERYTHING)
    assert_stops(server, ENGINE, request, start=1.5)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("half", "decoder_joint-model.onnx"),
        ("odd", "encoder-model.onnx"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(client: openai.OpenAI, model: str, told: str) -> None:
    with unavailable(told, hidden="/parakeet"):
        heard(client, model)
