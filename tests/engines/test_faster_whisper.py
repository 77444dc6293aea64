"""faster-whisper, on its own package, with models whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.engines.conftest import Inside
from tests.engines.hearing import KNOWN, WhisperSuite, heard, silent_wav, sure_segment
from tests.engines.refusals import unavailable

pytestmark = pytest.mark.timeout(1800)

ENGINE = "faster-whisper"


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


@pytest.mark.parametrize("model", ["multilingual", "english", "turbo", "batched", "threads"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    segment = sure_segment(heard(client, model, speech))
    assert segment.temperature == 0
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


class TestWhisper(WhisperSuite):
    translated = "Other words follow."


def test_a_blink_of_speech_and_silence_are_heard(client: openai.OpenAI) -> None:
    for seconds in (0.05, 0.5, 3.0):
        assert heard(client, "multilingual", silent_wav(seconds)).text in ("", KNOWN)


@pytest.mark.parametrize(
    ("model", "said"),
    [("nowhere", "nowhere"), ("lacking", "lacks config.json"), ("hub", "stentor models pull")],
)
def test_missing_weights_are_told(
    client: openai.OpenAI, speech: bytes, model: str, said: str
) -> None:
    with unavailable(said):
        heard(client, model, speech)


GPU = """
import json, sys
from pathlib import Path
import ctranslate2
from stentor_engine import LoadFailed, Settings
from stentor_engine.loader import engine_class

ctranslate2.get_cuda_device_count = lambda: 1
kind = engine_class(Path(sys.argv[1]), "faster-whisper")
told = {}
for device in ("auto", "cpu", "cuda"):
    try:
        told[device] = kind(Settings(device, sys.argv[2]))._model.model.device
    except LoadFailed as error:
        told[device] = str(error)
print(json.dumps(told))
"""
"""Run in the engine's environment, which has no CUDA: no GPU is here."""


def test_a_gpu_without_its_libraries_is_told_before_the_first_call(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    """CTranslate2 would load its model, and fail in every call."""
    told = inside(ENGINE, GPU, str(recipe(ENGINE) / "english"))
    assert told["auto"] == told["cpu"] == "cpu"
    assert "'cuda' cannot be used" in told["cuda"]
    assert "cublas" in told["cuda"]
