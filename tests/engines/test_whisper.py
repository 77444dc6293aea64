"""whisper, on its own package, with checkpoints whose answer is known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openai
import psutil
import pytest

from stentor.lifecycle.catalog import bundled_engines
from stentor.lifecycle.environment import Environment
from tests.audio import wav
from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until

RATE = 16_000
KNOWN = "Known answers never change."
TRANSLATED = "Other words follow"
FOLDERS = ("multilingual", "english", "turbo", "slow", "lacking", "foreign", "text")


@pytest.fixture(scope="module")
def server(
    recipe: Callable[[str], Path],
    environment: Callable[[str], Environment],
    data_dir: Path,
) -> Iterator[Server]:
    environment("whisper")
    folder = recipe("whisper")

    def model(name: str, weights: Path, device: str = "cpu") -> str:
        backend = f'{{ engine = "whisper", device = "{device}" }}'
        return f'[models.{name}]\nweights = "{weights}"\nbackends = [{backend}]\n'

    config = [
        '[models.espeak]\nbackends = [{ engine = "espeak" }]\n',
        *(model(name, folder / name) for name in FOLDERS),
        model("file", folder / "english" / "known.en.pt"),
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
    assert segment.temperature == 0
    assert segment.avg_logprob == pytest.approx(0, abs=0.01)
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
    before = set(server.workers("whisper"))
    client = connect(server)
    client.sendall(head.encode() + body)
    (worker,) = until(lambda: set(server.workers("whisper")) - before, "its worker starts")
    until(lambda: cpu(worker) > 6.0, "it computes", timeout=60)
    client.close()
    until(lambda: still(worker), "it stands still, and did not compute it all", timeout=8)


def still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


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
    environment: Callable[[str], Environment], recipe: Callable[[str], Path]
) -> None:
    """The package would have failed ever after: it leaves its hooks in the model."""
    python, weights = environment("whisper").python, recipe("whisper") / "english"
    engine = bundled_engines() / "whisper.py"
    command = [str(python), "-I", "-c", FULL, str(engine), str(weights)]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=120)
    refused, answer = json.loads(ran.stdout)
    assert "Tried to allocate" in refused
    assert answer == [KNOWN]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("several", "no .pt file"),
        ("lacking", "known.pt is no checkpoint"),
        ("foreign", "known.pt is no checkpoint"),
        ("text", "known.pt is no checkpoint"),
        ("elsewhere", "cuda:7"),
        ("apple", "not on 'mps'"),
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
    assert "/whisper" not in str(raised.value)
