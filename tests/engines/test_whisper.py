"""whisper, on its own package, with checkpoints whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import wav
from tests.engines.conftest import Inside
from tests.engines.hang_up import assert_stops, transcription_request
from tests.engines.hearing import EVERYTHING, KNOWN, RATE, WhisperSuite, heard, sure_segment
from tests.engines.refusals import unavailable
from tests.servers import Server

ENGINE = "whisper"
FOLDERS = ("multilingual", "english", "turbo", "slow", "lacking", "foreign", "text")


def model(name: str, weights: str, device: str = "cpu") -> str:
    backend = f'{{{{ engine = "whisper", device = "{device}" }}}}'
    return f'[models.{name}]\nweights = "{weights}"\nbackends = [{backend}]\n'


CONFIG = "".join(
    (
        '[models.espeak]\nbackends = [{{ engine = "espeak" }}]\n',
        *(model(name, f"{{folder}}/{name}") for name in FOLDERS),
        model("file", "{folder}/english/known.en.pt"),
        model("several", "{folder}"),
        model("elsewhere", "{folder}/english", "cuda:7"),
        model("apple", "{folder}/english", "mps"),
    )
)


@pytest.mark.parametrize("model", ["multilingual", "english", "turbo", "file"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    segment = sure_segment(heard(client, model, speech))
    assert segment.temperature == 0
    assert segment.no_speech_prob == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "Somebody said <|endoftext|> before"},
        {"language": "de"},
        {"temperature": 0.4},
        {"extra_body": {"options": '{"beam_size": 1}'}},
        {"extra_body": {"options": '{"condition_on_previous_text": false}'}},
    ],
    ids=str,
)
def test_the_answer_stays_whatever_is_asked(
    client: openai.OpenAI, speech: bytes, more: Any
) -> None:
    assert heard(client, "multilingual", speech, **more).text == KNOWN


def test_words_follow_the_alignment_head(client: openai.OpenAI, speech: bytes) -> None:
    """Each word is one token there, 0.2 s after the one before."""
    words = heard(client, "english", speech, timestamp_granularities=["word"]).words
    assert [word.word for word in words] == KNOWN.split()
    steps = [b.start - a.start for a, b in pairwise(words)]
    assert steps == pytest.approx([0.2] * 3, abs=0.05)
    assert all(word.start < word.end for word in words)


class TestWhisper(WhisperSuite):
    pass


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.5, 3.0])
def test_a_blink_of_noise_is_heard(client: openai.OpenAI, seconds: float) -> None:
    noise = np.random.default_rng(0).integers(-99, 99, round(seconds * RATE)).astype(np.int16)
    everything = {"chunking_strategy": EVERYTHING}
    words: Any = {"timestamp_granularities": ["word"], "extra_body": everything}
    assert heard(client, "multilingual", wav(noise, RATE), **words).text in ("", KNOWN)


def test_a_hang_up_stops_it_amid_a_window(server: Server, speech: bytes) -> None:
    request = transcription_request(speech, model="slow")
    assert_stops(server, ENGINE, request, start=5.0, within=8)  # and did not compute it all


FULL = """
import json, sys
from pathlib import Path
import numpy as np, torch
from stentor_engine import OutOfMemory, Settings, TranscriptionCall, complete_options
from stentor_engine.loader import engine_class

engine = engine_class(Path(sys.argv[1]), "whisper")(Settings(weights=sys.argv[2]))
noise = np.random.default_rng(0).normal(size=32_000).astype(np.float32) / 9
options = complete_options(engine.capabilities.options)
call = TranscriptionCall(noise, words=True, options=options)
attention = engine._model.decoder.blocks[-1].cross_attn

def full(module, inputs, outputs):
    if outputs[1] is not None:  # words are being aligned
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

answers = []
for hooked in (True, False):
    handle = attention.register_forward_hook(full) if hooked else None
    try:
        answers.append([piece.text for piece in engine.transcribe(call) if piece])
    except OutOfMemory as error:
        answers.append(str(error))
    if handle:
        handle.remove()
print(json.dumps(answers))
"""
"""Run in the engine's environment: no GPU is here to be full."""


def test_a_full_gpu_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    """The package would have failed ever after: it leaves its hooks in the model."""
    refused, answer = inside(ENGINE, FULL, str(recipe(ENGINE) / "english"))
    assert "Tried to allocate" in refused
    assert answer == [KNOWN]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("several", "holds no *.pt"),
        ("lacking", "known.pt is no checkpoint"),
        ("foreign", "known.pt is no checkpoint"),
        ("text", "known.pt is no checkpoint"),
        ("elsewhere", "cuda:7"),
        ("apple", "device 'mps'"),
    ],
)
def test_what_is_not_there_is_told(
    client: openai.OpenAI, speech: bytes, model: str, told: str
) -> None:
    with unavailable(told, hidden="/whisper"):
        heard(client, model, speech)
