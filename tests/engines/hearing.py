"""Asking an engine's server to listen, with models whose answer is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import Samples, wav

RATE = 16_000
KNOWN = "Known answers never change."
"""What the recipes' models hear in any speech."""
EVERYTHING = json.dumps({"type": "server_vad", "threshold": 0})
"""A chunking strategy: to be heard is what is no speech, too."""


def heard(client: openai.OpenAI, model: str, audio: bytes, **more: Any) -> Any:
    return client.audio.transcriptions.create(
        model=model, file=("speech.wav", audio), response_format="verbose_json", **more
    )


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def silent_wav(seconds: float) -> bytes:
    return wav(silence(seconds), RATE)


def only_segment(answer: Any) -> Any:
    """Of an answer that is KNOWN, with times within the audio."""
    assert answer.text == KNOWN
    (segment,) = answer.segments
    assert 0 <= segment.start < segment.end <= answer.duration
    return segment


def sure_segment(answer: Any) -> Any:
    """Of an answer that is KNOWN, and that a model is sure of."""
    segment = only_segment(answer)
    assert segment.tokens
    assert segment.avg_logprob == pytest.approx(0, abs=0.01)
    return segment


class WhisperSuite:
    """For each engine that runs Whisper, on the models `multilingual`, `english` and `turbo`."""

    translated = "Other words follow"

    def test_the_language_is_told(self, client: openai.OpenAI, speech: bytes) -> None:
        assert heard(client, "multilingual", speech).language == "english"
        assert heard(client, "multilingual", speech, language="de").language == "german"

    def test_turbo_hears_a_language_that_came_later(
        self, client: openai.OpenAI, speech: bytes
    ) -> None:
        assert heard(client, "turbo", speech, language="yue").text == KNOWN

    @pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # OpenAI's own opinion
    def test_it_translates_where_the_model_can(self, client: openai.OpenAI, speech: bytes) -> None:
        create = client.audio.translations.create
        assert create(model="multilingual", file=("a.wav", speech)).text == self.translated
        for model in ("turbo", "english"):
            with pytest.raises(openai.BadRequestError, match="does not translate"):
                create(model=model, file=("a.wav", speech))

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
        self, client: openai.OpenAI, speech: bytes, model: str, more: Any, said: str
    ) -> None:
        with pytest.raises(openai.BadRequestError, match=said):
            heard(client, model, speech, **more)
