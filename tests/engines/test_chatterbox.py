"""Chatterbox, on its own package, with tiny models whose length is known."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import psutil
import pytest

from stentor.lifecycle.catalog import bundled_engines
from stentor.lifecycle.environments.environment import Environment
from stentor_engine.loader import engine_declarations
from tests.audio import Samples, decoded, wav
from tests.engines.conftest import Serve
from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until

RATE, TOKEN = 24_000, 960
TEXT = "Hello there."
LENGTH, TURBO, SILENCE = 25, 30, 3
"""Tokens: see the recipe; Turbo has silence behind."""
BEFORE = 1 + 6 * 25
"""Tokens before a text: of the speaker, and of the recording of the models' own voice."""
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment."""
RECIPES = Path(__file__).parent / "recipes"
ENGINE = bundled_engines() / "chatterbox.py"
BLOCK = ENGINE.read_text().partition("from __future__")[0]
TINY = f"""{BLOCK}
import importlib.util

def load(name, file):
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

engine = load("true_chatterbox", {str(ENGINE)!r})
recipe = load("chatterbox_recipe", {str(RECIPES / "chatterbox.py")!r})
recipe.shrink()

class Base(engine.Chatterbox):
    name = "chatterbox"

class Turbo(engine.ChatterboxTurbo):
    name = "chatterbox-turbo"

class Multilingual(engine.ChatterboxMultilingual):
    name = "chatterbox-multilingual"

class Vc(engine.ChatterboxVc):
    name = "chatterbox-vc"
"""
"""The true engines, on models whose sizes are not those of the package."""
CONFIG = """
[engines]
paths = ["ENGINES"]
[models.base]
weights = "{folder}/base"
backends = [{{ engine = "chatterbox" }}]
[models.turbo]
weights = "{folder}/turbo"
backends = [{{ engine = "chatterbox-turbo" }}]
[models.mute]
weights = "{folder}/mute"
backends = [{{ engine = "chatterbox-turbo", device = "cpu" }}]
[models.multilingual]
weights = "{folder}/multilingual"
backends = [{{ engine = "chatterbox-multilingual" }}]
[models.endless]
weights = "{folder}/endless"
backends = [{{ engine = "chatterbox", device = "cpu" }}]
[models.voiceless]
weights = "{folder}/voiceless"
backends = [{{ engine = "chatterbox", device = "cpu" }}]
[models.lacking]
weights = "{folder}/lacking"
backends = [{{ engine = "chatterbox", device = "cpu" }}]
[models.broken]
weights = "{folder}/broken"
backends = [{{ engine = "chatterbox", device = "cpu" }}]
[models.elsewhere]
weights = "{folder}/base"
backends = [{{ engine = "chatterbox", device = "cuda:7" }}]
"""


@pytest.fixture(scope="module")
def models(recipe: Callable[[str], Path]) -> Path:
    return recipe("chatterbox")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines")
    (folder / "tiny.py").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def server(serve: Serve, engines: Path) -> Iterator[Server]:
    with serve("chatterbox", CONFIG.replace("ENGINES", str(engines))) as server:
        yield server


@pytest.fixture(scope="module")
def facts(environment: Callable[[str], Environment], models: Path, engines: Path) -> Any:
    """What calls within the engine's own environment told."""
    python = str(environment("chatterbox").python)
    command = [python, "-I", str(RECIPES / "chatterbox_calls.py")]
    done = subprocess.run(
        [*command, str(engines / "tiny.py"), str(models)], check=True, stdout=subprocess.PIPE
    )
    sys.stdout.write(done.stdout.decode()[-2_000:])
    return json.loads(done.stdout.splitlines()[-1])


def say(server: Server, text: str = TEXT, *, model: str = "base", **more: object) -> Samples:
    with server.client() as client:
        speech = client.audio.speech.create(
            model=model,
            voice=str(more.pop("voice", "alloy")),
            input=text,
            response_format="wav",
            extra_body={"seed": 7} | more,
        )
    samples, rate = decoded(speech.content)
    assert rate == RATE
    return samples


def tokens(samples: Samples) -> int:
    """Up to 20 ms of silence before them is cut, half of one."""
    return round((len(samples) - PAUSE) / TOKEN)


def hum(seconds: float, pitch: float) -> str:
    time = np.arange(round(seconds * RATE)) / RATE
    waves = np.sum([np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 12)], axis=0)
    return base64.b64encode(wav((6_000 * waves).astype(np.int16), RATE)).decode()


def test_it_says_as_much_as_the_weights_make_it(server: Server) -> None:
    """One token is none that could be heard."""
    samples = say(server)
    assert tokens(samples) == LENGTH - 1
    assert 300 < float(samples[:-PAUSE].astype(float).std()) < 10_000


def turbo(read: int, before: int = BEFORE) -> int:
    """Tokens that it says of a text of so many."""
    return TURBO + -(before + read) % TURBO + SILENCE


@pytest.mark.parametrize("text", [TEXT, "Hello there, you.", "Oh [laugh] well [clear throat]."])
def test_turbo_reads_a_tag_as_one(server: Server, text: str) -> None:
    read = len(text.replace("[laugh]", "#").replace("[clear throat]", "#"))
    assert tokens(say(server, text, model="turbo")) == turbo(read)


@pytest.mark.parametrize("model", ["base", "turbo"])
def test_the_text_is_heard(server: Server, model: str) -> None:
    """Of two that are of one length."""
    first, other = (say(server, text, model=model) for text in (TEXT, "Never again."))
    assert len(first) == len(other)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("model", ["base", "turbo"])
def test_a_recording_is_taken_on(server: Server, model: str) -> None:
    low, high = hum(6.0, 110), hum(6.0, 220)
    first = say(server, model=model, reference_audio=low)
    other = say(server, model=model, reference_audio=high)
    again = say(server, model=model, reference_audio=low)
    assert np.array_equal(first, again)
    assert tokens(first) == tokens(other) == tokens(say(server, model=model))
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, say(server, model=model))


def test_turbo_takes_all_of_a_longer_recording(server: Server) -> None:
    longer = say(server, model="turbo", reference_audio=hum(6.4, 110))
    assert tokens(longer) == turbo(len(TEXT), BEFORE + round(0.4 * 25))


def test_voices_are_told(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "base"}).json()["voices"]
    assert [voice["id"] for voice in voices] == ["default"]
    assert np.array_equal(say(server, voice="default"), say(server, voice="nova"))
    recorded = say(server, model="voiceless", reference_audio=hum(2.0, 110))
    assert tokens(recorded) == LENGTH - 1
    with pytest.raises(openai.BadRequestError, match="needs a recording"):
        say(server, model="voiceless")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("base", {"cfg_weight": 0}),
        ("base", {"cfg_weight": 1.0}),
        ("base", {"min_p": 1}),
        ("base", {"temperature": 5}),
        ("base", {"top_p": 0}),
        ("turbo", {"top_k": 1}),
        ("turbo", {"top_p": 0.1}),
        ("turbo", {"repetition_penalty": 3}),
        ("turbo", {"temperature": 0.05}),
    ],
    ids=str,
)
def test_options_are_heard(server: Server, model: str, options: dict[str, float]) -> None:
    changed = say(server, model=model, options=options)
    assert len(changed) > RATE / 2
    assert not np.array_equal(changed, say(server, model=model))


def test_equal_seeds_are_equal(server: Server, facts: Any) -> None:
    """In another process, too."""
    first = say(server)
    assert np.array_equal(first, say(server))
    assert not np.array_equal(first, say(server, seed=8))
    elsewhere = first[TOKEN : -PAUSE - TOKEN].tobytes() in bytes.fromhex(facts["spoken"])
    assert elsewhere


def test_every_language_is_its_own(server: Server) -> None:
    """And none takes a download. This model ends when it has said one token twice."""
    takes = {
        language: say(server, text, model="multilingual", language=language)
        for language, text in (
            *(("en", "Hello."), ("de", "Hello."), ("ja", "今日は。"), ("ko", "안녕.")),
            *(("he", "שלום."), ("ru", "Привет."), ("zh", "今天很好。"), ("nb", "Hei.")),
        )
    }
    assert {tokens(take) for take in takes.values()} == {LENGTH + 1}
    assert len({take.tobytes() for take in takes.values()}) == len(takes)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"model": "base", "language": "de"}, "does not speak"),
        ({"model": "multilingual", "language": "th"}, "does not speak"),
        ({"model": "base", "voice": "nobody"}, "no voice"),
        ({"model": "turbo", "reference_audio": hum(5.0, 110)}, "shorter than 5.01 s"),
        ({"model": "base", "reference_audio": hum(0.5, 110)}, "shorter than 1 s"),
        ({"model": "base", "options": {"cfg_weight": -0.1}}, "between 0 and 1"),
        ({"model": "base", "options": {"temperature": 0}}, "between 0.05 and 5"),
        ({"model": "base", "options": {"top_k": 5}}, "unknown option"),
        ({"model": "turbo", "options": {"exaggeration": 1}}, "unknown option"),
        ({"model": "base", "input": "…"}, ""),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, Any], said: str) -> None:
    body = {"voice": "alloy", "input": TEXT, "stream": False} | more
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code in (400, 404), answer.text
    assert said in answer.text


@pytest.mark.parametrize(
    ("model", "said"),
    [("endless", "come to an end"), ("mute", "said anything")],
)
def test_half_a_text_is_a_failure(server: Server, model: str, said: str) -> None:
    body = {"model": model, "voice": "alloy", "input": TEXT, "stream": False}
    answer = server.http.post("/v1/audio/speech", json=body, timeout=300)
    assert answer.status_code >= 500, answer.text
    assert said in answer.text


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    body = json.dumps({"model": "endless", "input": TEXT, "voice": "alloy"})
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    assert server.http.get("/v1/audio/voices", params={"model": "endless"}).is_success
    used = {worker: cpu(worker) for worker in server.workers("chatterbox")}

    def computing() -> list[psutil.Process]:
        return [worker for worker, before in used.items() if cpu(worker) > before + 2.0]

    client = connect(server)
    client.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
    (worker,) = until(computing, "it computes", timeout=60)
    client.close()
    until(lambda: still(worker), "it stands still, of half a minute that the whole would take")


def still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("lacking", "lacks ve.safetensors"),
        ("broken", "cannot be loaded"),
        ("elsewhere", "device 'cuda:7' cannot be used"),
    ],
)
def test_what_is_not_there_is_told(server: Server, models: Path, model: str, told: str) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        say(server, model=model)
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
    assert told in str(raised.value)
    assert str(models) not in str(raised.value)


def test_the_model_is_told_how_emotional_to_be(facts: Any) -> None:
    assert facts["exaggeration"] == [0.5, 1.5, 0.0]


def test_too_little_memory_is_told_and_forgotten(facts: Any) -> None:
    told = {"cuda": "OutOfMemory", "cpu": "OutOfMemory", "neither": "RuntimeError"}
    assert facts["memory"] == told
    assert facts["after"]


def test_turbo_speaks_texts_of_any_length(facts: Any) -> None:
    """Those that the gateway never gives it at once, too."""
    lengths = {int(read): samples for read, samples in facts["turbo"].items()}
    assert lengths == {read: turbo(read) * TOKEN for read in (2, 61, 300)}


def test_the_multilingual_model_leaves_nothing_behind(facts: Any) -> None:
    assert facts["hooks"] == [0, 0]


def test_a_recording_is_turned_into_another_voice(facts: Any) -> None:
    """As long as it was; equal calls are equal; and it can be stopped."""
    assert facts["lengths"] == [2 * RATE] * 5
    equal = [[a == b or {a, b} == {1, 3} for a in range(5)] for b in range(5)]
    assert facts["equal"] == equal
    assert facts["stopped"]
    assert not facts["threads"]


def test_what_it_takes_is_declared() -> None:
    declared = {each.name: each for each in engine_declarations(ENGINE)}
    assert {name: each.task for name, each in declared.items()} == {
        "chatterbox": "speech",
        "chatterbox-turbo": "speech",
        "chatterbox-multilingual": "speech",
        "chatterbox-vc": "conversion",
    }
    for name, each in declared.items():
        assert each.devices == ("cuda", "mps", "cpu")
        assert list(each.weights) == [name]
        assert all(part.hub or part.sha256 for part in each.weights[name])
