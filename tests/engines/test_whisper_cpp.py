"""whisper-cpp, on its own package, with ggml files whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openai
import psutil
import pytest

from stentor.lifecycle.environment import Environment
from tests.audio import wav
from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until

RATE = 16_000
KNOWN = "Known answers never change."
TRANSLATED = "Other words follow"
FOLDERS = ("multilingual", "english", "turbo", "slow", "text", "cut")


@pytest.fixture(scope="module")
def server(
    recipe: Callable[[str], Path],
    environment: Callable[[str], Environment],
    data_dir: Path,
) -> Iterator[Server]:
    environment("whisper-cpp")
    folder = recipe("whisper_cpp")

    def model(name: str, weights: Path, device: str = "cpu") -> str:
        backend = f'{{ engine = "whisper-cpp", device = "{device}" }}'
        return f'[models.{name}]\nweights = "{weights}"\nbackends = [{backend}]\n'

    config = [
        '[models.espeak]\nbackends = [{ engine = "espeak" }]\n',
        *(model(name, folder / name) for name in FOLDERS),
        model("file", folder / "english" / "ggml-known.en.bin"),
        model("several", folder),
        model("elsewhere", folder / "english", "cuda:7"),
        model("apple", folder / "english", "mps"),
    ]
    offline = {"STENTOR_ENGINES__TORCH": "cpu"}  # part of what an environment is found by
    offline |= dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    with Server("".join(config), STENTOR_DATA_DIR=str(data_dir), **offline) as server:
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


@pytest.mark.parametrize("model", ["multilingual", "english", "turbo", "file"])
def test_the_answer_is_the_weights(client: openai.OpenAI, speech: bytes, model: str) -> None:
    answer = heard(client, model, speech)
    assert answer.text == KNOWN
    (segment,) = answer.segments
    assert 0 <= segment.start < segment.end <= answer.duration
    assert segment.tokens
    assert segment.avg_logprob == pytest.approx(0, abs=0.01)


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


def test_the_language_is_told(client: openai.OpenAI, speech: bytes) -> None:
    assert heard(client, "multilingual", speech).language == "english"
    assert heard(client, "multilingual", speech, language="de").language == "german"
    assert heard(client, "turbo", speech, language="yue").text == KNOWN


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


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.5, 3.0])
def test_a_blink_of_noise_is_heard(client: openai.OpenAI, seconds: float) -> None:
    noise = np.random.default_rng(0).integers(-99, 99, round(seconds * RATE)).astype(np.int16)
    everything = {"chunking_strategy": '{"type": "server_vad", "threshold": 0}'}
    words: Any = {"timestamp_granularities": ["word"], "extra_body": everything}
    assert heard(client, "multilingual", wav(noise, RATE), **words).text in ("", KNOWN)


def test_a_hang_up_stops_it_amid_a_window(server: Server, speech: bytes) -> None:
    edge = "----edge"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="model"\r\n\r\nslow\r\n'
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    ).encode()
    body += speech + f"\r\n--{edge}--\r\n".encode()
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary={edge}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before = set(server.workers("whisper-cpp"))
    client = connect(server)
    client.sendall(head.encode() + body)
    (worker,) = until(lambda: set(server.workers("whisper-cpp")) - before, "its worker starts")
    until(lambda: cpu(worker) > 4.0, "it computes", timeout=60)
    client.close()
    until(lambda: still(worker), "it stands still, and did not compute it all", timeout=8)


def still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("several", "no file such as"),
        ("text", "bad magic"),
        ("cut", "not all tensors loaded"),
        ("elsewhere", "cuda:7"),
        ("apple", "device 'mps'"),
    ],
)
def test_what_is_not_there_is_told(
    client: openai.OpenAI, speech: bytes, model: str, told: str
) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        heard(client, model, speech)
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
    assert told in str(raised.value)
    assert "/whisper_cpp" not in str(raised.value)
