"""zonos on tiny models: random sounds, of known lengths.

Its code comes from GitHub, or from the checkout that STENTOR_TEST_ZONOS names.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openai
import psutil
import pytest

from stentor.lifecycle.catalog import bundled_engines
from stentor.lifecycle.environments.environment import Environment
from tests.audio import Samples, decoded, wav
from tests.engines.conftest import Serve
from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until

RATE, FRAME = 44_100, 512
"""Samples: of a second, and of a token of audio."""
FRAMES = 40
"""Of the recipe."""
EMOTIONS = "happiness sadness disgust fear surprise anger other neutral"
TEXT = "Hello there, you who listen."
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment at speed 1."""


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


def say(server: Server, text: str = TEXT, *, voice: str = "alloy", **more: object) -> Samples:
    with server.client() as client:
        speech = client.audio.speech.create(
            model=str(more.pop("model", "tiny")),
            voice=voice,
            input=text,
            response_format="wav",
            extra_body={"seed": 1, "sample_rate": RATE, **more},
        )
    audio, rate = decoded(speech.content)
    assert rate == RATE
    return audio


def spoken(audio: Samples) -> int:
    """Samples of it that the model made. A ramp before them is shorter than a frame."""
    return (len(audio) - PAUSE) // FRAME * FRAME


def recording(voice: int, seconds: float = 2.0) -> str:
    """A tone, as high as the voice's number says."""
    tone = np.sin(2 * np.pi * 300 * voice * np.arange(int(seconds * RATE)) / RATE) * 3000
    return base64.b64encode(wav(tone.astype(np.int16), RATE)).decode()


def test_it_speaks_as_long_as_the_weights_make_it(server: Server) -> None:
    audio = say(server)
    assert spoken(audio) == FRAMES * FRAME
    assert np.abs(audio[:-PAUSE].astype(float)).mean() > 100
    assert not audio[-PAUSE // 2 :].any()


def test_speed_is_the_models_own(server: Server) -> None:
    fast = say(server, speed=2.0)
    assert not np.array_equal(fast[: FRAMES * FRAME], say(server)[: FRAMES * FRAME])
    assert len(fast) < FRAMES * FRAME + PAUSE  # a shorter pause behind it, and the same tokens


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    first, cloned = say(server), say(server, reference_audio=recording(1))
    assert not np.array_equal(first, say(server, seed=2))
    assert not np.array_equal(first, say(server, "Something else is said."))
    (worker,) = {each for each in server.workers("zonos") if "tiny" in " ".join(each.cmdline())}
    worker.kill()
    worker.wait()
    # In the other order: nothing hangs on what was said before.
    assert np.array_equal(cloned, say(server, reference_audio=recording(1)))
    assert np.array_equal(first, say(server))


@pytest.mark.parametrize(
    "option",
    [{"temperature": 2}, {"min_p": 0.9}, {"cfg_scale": 4}, {"anger": 1}, {"pitch_std": 150}],
    ids=str,
)
def test_options_change_what_is_said(server: Server, option: dict[str, object]) -> None:
    changed = say(server, options=option)
    assert spoken(changed) == FRAMES * FRAME
    assert not np.array_equal(changed, say(server))


def test_it_takes_on_a_voice(server: Server) -> None:
    one, other, again = (
        say(server, reference_audio=recording(seed), options={"pitch_std": 30 + n})
        for n, seed in enumerate((1, 2, 1))
    )
    assert spoken(one) == FRAMES * FRAME
    assert not np.array_equal(one, say(server))
    assert not np.array_equal(one, other)
    options = {"pitch_std": 32}
    assert np.array_equal(say(server, reference_audio=recording(1), options=options), again)
    assert not np.array_equal(say(server, reference_audio=recording(2), options=options), again)


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
    assert spoken(say(server, text, language=language)) == FRAMES * FRAME


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "Nobody"},
        {"language": "sv"},
        {"options": {"cfg_scale": 1}},
        {"options": {"temperature": "hot"}},
        {"options": {"nothing": 1}},
        {"options": dict.fromkeys(EMOTIONS.split(), 0)},
        {"reference_audio": recording(1, 0.4)},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT, "stream": False} | more
    answer = server.http.post("/v1/audio/speech", json=body, timeout=120)
    assert answer.status_code == 400, answer.text


def test_a_model_that_comes_to_no_end_is_told(server: Server) -> None:
    body = {"model": "endless", "voice": "alloy", "input": "Hello.", "stream": False}
    answer = server.http.post("/v1/audio/speech", json=body, timeout=120)
    assert answer.status_code >= 500
    assert "did not come to an end" in answer.text


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    text = TEXT.replace(".", ",") * 10
    body = json.dumps({"model": "endless", "input": text, "voice": "alloy"})
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    say(server)
    known = {each: cpu(each) for each in server.workers("zonos")}
    client = connect(server)
    client.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())

    def busy() -> psutil.Process | None:
        now = server.workers("zonos")
        return next((each for each in now if cpu(each) - known.get(each, 15.0) > 1.0), None)

    worker = until(busy, "it computes", timeout=90)
    assert worker is not None
    client.close()
    until(lambda: still(worker), "it stands still, of minutes that the whole would take")


def still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


FULL = """
import json, sys
from pathlib import Path
import numpy as np, torch
from stentor_engine import OutOfMemory, Reference, Settings, SpeechCall, complete_options
from stentor_engine.loader import engine_class

engine = engine_class(Path(sys.argv[1]), "zonos")(Settings(weights=sys.argv[2], device="cpu"))
noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 9
options = complete_options(engine.capabilities.options)
call = SpeechCall("Hello.", options=options, reference=Reference("noise", noise))
codec, speaker = engine._model.autoencoder.dac, engine._model.spk_clone_model
counted = []
speaker.register_forward_hook(lambda *_: counted.append(1))

def full(*_):
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

def spoken():
    try:
        return sum(len(piece) for piece in engine.synthesize(call) if piece is not None)
    except OutOfMemory as error:
        return str(error)

answers = []
for part in (speaker, codec.decoder, None, None):
    handle = part.register_forward_hook(full) if part else None
    answers.append(spoken())
    if handle:
        handle.remove()
print(json.dumps([*answers, len(counted)]))
"""
"""Run in the engine's environment: no GPU is here to be full."""


def test_a_full_gpu_is_told_and_the_next_call_served(
    environment: Callable[[str], Environment], recipe: Callable[[str], Path]
) -> None:
    """What was computed of a recording is kept: it was heard twice, and full the first time."""
    python, weights = environment("zonos").python, recipe("zonos") / "tiny"
    engine = bundled_engines() / "zonos.py"
    command = [str(python), "-I", "-c", FULL, str(engine), str(weights)]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=120)
    of_voice, of_sound, whole, again, heard = json.loads(ran.stdout.splitlines()[-1])
    assert "Tried to allocate" in of_voice
    assert "Tried to allocate" in of_sound
    assert whole == again == FRAMES * FRAME
    assert heard == 2


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
    with pytest.raises(openai.InternalServerError) as raised:
        say(server, model=model)
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
    assert told in str(raised.value)
