"""whisper-cpp, on its own package, with ggml files whose answer is known."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import wav
from tests.engines.hang_up import assert_stops, transcription_request
from tests.engines.hearing import EVERYTHING, KNOWN, RATE, WhisperSuite, heard, sure_segment
from tests.engines.refusals import unavailable
from tests.servers import Server

ENGINE = "whisper-cpp"
FOLDERS = ("multilingual", "english", "turbo", "slow", "text", "cut")


def model(name: str, weights: str, device: str = "cpu") -> str:
    backend = f'{{{{ engine = "whisper-cpp", device = "{device}" }}}}'
    return f'[models.{name}]\nweights = "{weights}"\nbackends = [{backend}]\n'


CONFIG = "".join(
    (
        '[models.espeak]\nbackends = [{{ engine = "espeak" }}]\n',
        *(model(name, f"{{folder}}/{name}") for name in FOLDERS),
        model("file", "{folder}/english/ggml-known.en.bin"),
        model("several", "{folder}"),
        model("elsewhere", "{folder}/english", "cuda:7"),
        model("apple", "{folder}/english", "mps"),
    )
)


@pytest.mark.parametrize("model", ["multilingual", "english", "turbo", "file"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    sure_segment(heard(client, model, speech))


@pytest.mark.parametrize(
    "more",
    [
        {"prompt": "Somebody said <|endoftext|> before"},
        {"language": "de"},
        {"temperature": 0.4},
        {"extra_body": {"options": '{"beam_size": 1}'}},
        {"extra_body": {"options": '{"suppress_non_speech": true, "entropy_threshold": 1.0}'}},
    ],
    ids=str,
)
def test_the_answer_stays_whatever_is_asked(
    client: openai.OpenAI, speech: bytes, more: Any
) -> None:
    assert heard(client, "multilingual", speech, **more).text == KNOWN


@pytest.mark.parametrize("model", ["multilingual", "english"])
def test_words_share_their_segment(client: openai.OpenAI, speech: bytes, model: str) -> None:
    """The library estimates: by the letters, and by how loud it is."""
    answer = heard(client, model, speech, timestamp_granularities=["word", "segment"])
    words = answer.words
    assert [word.word for word in words] == KNOWN.split()
    assert all(word.start < word.end for word in words)
    assert all(a.end <= b.start + 0.01 for a, b in pairwise(words))
    assert words[-1].end <= answer.segments[0].end + 0.01


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
    assert_stops(server, ENGINE, request, start=3.0, within=8)  # and did not compute it all


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("several", "holds no ggml-*.bin"),
        ("text", "bad magic"),
        ("cut", "not all tensors loaded"),
        ("elsewhere", "cuda:7"),
        ("apple", "device 'mps'"),
    ],
)
def test_what_is_not_there_is_told(
    client: openai.OpenAI, speech: bytes, model: str, told: str
) -> None:
    with unavailable(told, hidden="/whisper-cpp"):
        heard(client, model, speech)
