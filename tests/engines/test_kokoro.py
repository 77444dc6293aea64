"""kokoro-onnx on a tiny model: a sine of a voice's own pitch and level, of known lengths."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audio import Samples
from tests.engines.conftest import Inside
from tests.engines.hang_up import assert_stops, speech_request
from tests.engines.refusals import refused_speech, unavailable
from tests.engines.speaking import level, pitch, spoken, timed_events, timed_words
from tests.servers import Server

ENGINE = "kokoro"
RATE, FRAME = 24_000, 600
TEXT = "Hello world."
FRAMES = 2 + 5 * 4 + 8 + 6 * 4 + 8 + 2
"""həlˈO, a space, wˈɜɹld, a full stop, and the pads at both ends."""
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment at speed 1."""
CONFIG = """
[models.kokoro]
weights = "{folder}"
backends = [{{ engine = "kokoro", device = "cpu" }}]
[models.untimed]
weights = "{folder}/untimed"
backends = [{{ engine = "kokoro" }}]
[models.slow]
weights = "{folder}/slow"
backends = [{{ engine = "kokoro" }}]
[models.missing]
weights = "{folder}/missing"
backends = [{{ engine = "kokoro" }}]
[models.unfetched]
backends = [{{ engine = "kokoro" }}]
[models.elsewhere]
weights = "{folder}"
backends = [{{ engine = "kokoro", device = "cuda:7" }}]
"""


def say(server: Server, text: str = TEXT, **more: Any) -> Samples:
    usual: dict[str, Any] = {"model": "kokoro", "voice": "af_bella"}
    return spoken(server, text, rate=RATE, **usual | more)


def hertz(samples: Samples) -> float:
    """Of a sine with silence around it."""
    return pitch(samples[len(samples) // 10 : len(samples) // 4], RATE)


def test_it_says_as_much_as_the_weights_make_it(server: Server) -> None:
    assert len(say(server, model="untimed")) == FRAMES * FRAME + PAUSE
    paused = say(server, options={"sentence_pause": 1.0})
    plain = say(server, options={"sentence_pause": 0, "clause_pause": 0})
    assert len(plain) == FRAMES * FRAME + PAUSE
    assert len(paused) > len(plain) + 0.5 * RATE


def test_each_voice_is_its_own(server: Server) -> None:
    for voice, loud, high in (
        ("af_bella", 0.2, 400),
        ("am_adam", 0.3, 100),
        ("bf_emma", 0.3, 300),
    ):
        samples = say(server, voice=voice)
        assert level(samples) == pytest.approx(loud, abs=0.01)
        assert hertz(samples) == pytest.approx(high, abs=20)
    voices = server.http.get("/v1/audio/voices", params={"model": "kokoro"}).json()["voices"]
    assert [voice["id"] for voice in voices][:2] == ["af_heart", "af_bella"]
    assert level(say(server, voice="default")) == pytest.approx(0.4, abs=0.01)


def test_voices_are_mixed_by_their_shares(server: Server) -> None:
    assert level(say(server, voice="af_bella(2)+af_sky")) == pytest.approx(0.3, abs=0.01)
    assert level(say(server, voice="af_bella+af_sky")) == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize(("speed", "frames"), [(2.0, 32), (0.5, 128)])
def test_speed_is_the_models_own(server: Server, speed: float, frames: int) -> None:
    assert len(say(server, model="untimed", speed=speed)) == frames * FRAME + PAUSE / speed


def test_equal_calls_are_equal(server: Server) -> None:
    first, again = (say(server, seed=seed) for seed in (1, 2))
    assert np.array_equal(first, again)
    other = say(server, "Other words here, please.")
    assert not np.array_equal(first, other[: len(first)])


def test_words_are_told_in_time(server: Server) -> None:
    events = timed_events(server, {"model": "kokoro", "voice": "af_bella", "input": TEXT})
    words = timed_words(events)
    assert [word["word"] for word in words] == ["Hello", "world."]
    starts = [2 * FRAME / RATE, (2 + 20 + 8) * FRAME / RATE]
    assert [word["start"] for word in words] == pytest.approx(starts, abs=0.002)
    assert any(base64.b64decode(event.get("audio", "")) for event in events)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-GB", "Hello."),
        ("es", "Hola, buenos días."),
        ("fr", "Bonjour à tous."),
        ("hi", "नमस्ते दुनिया।"),
        ("it", "Buongiorno."),
        ("ja", "こんにちは。"),
        ("pt-BR", "Olá, bom dia."),
        ("zh", "你好。"),
    ],
)
def test_every_language_is_spoken(server: Server, language: str, text: str) -> None:
    assert len(say(server, text, voice="alloy", language=language)) > 0.3 * RATE


LETTERS = """
import json, sys
from pathlib import Path
from stentor_engine import Settings
from stentor_engine.loader import engine_class

kind = engine_class(Path(sys.argv[1]), "kokoro")
engine, module = kind(Settings(weights=sys.argv[2])), sys.modules[kind.__module__]
by_tag = {each.tag: each for each in module.LANGUAGES.values()}
print(json.dumps([engine._phonemes(text, by_tag[tag]) for tag, text in json.loads(sys.argv[3])]))
"""
"""Run in the engine's environment."""


def test_it_is_read_in_the_letters_of_its_training(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    """Where espeak-ng tells two letters for one sound, tones as numbers, or marks on a vowel."""
    read = {
        ("en-US", "Judge Roy's chair, a bottle, a button."): "ʤˈʌʤ ɹˈYz ʧˈɛɹ, ə bˈɑTᵊl, ə bˈʌtn.",
        ("en-GB", "Go there."): "ɡˌQ ðˈɛː.",
        ("es", "La noche."): "la nˈoʧe.",
        ("it", "La pizza."): "la pˈiʦːa.",
        ("pt-BR", "Tudo bem?"): "tˈudʊ bˈAŋ?",
        ("ja", "あさ、です。"): "ˈasa, dˈesɯᵝ.",
        ("ja", "東京へ行く。"): "tˌoɯᵝkʲˈoɯᵝ ˈe ˈikɯᵝ.",
        ("ja", "㐀。"): "",
        ("zh", "你好，重庆银行！"): "ni↓xau↓, ꭧʰʊ↗ŋʨʰi↘ŋ i↗nxa↗ŋ!",
        ("zh", "嗯，是OK的。"): "ən, ʂɨ↘ ˌOkˈA tɤ.",
    }
    assert inside(ENGINE, LETTERS, str(recipe(ENGINE)), json.dumps(list(read))) == list(
        read.values()
    )


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "af_nobody"},
        {"voice": "af_bella+af_nobody"},
        {"language": "ru", "voice": "alloy"},
        {"options": {"trim": 1}},
        {"options": {"sentence_pause": 6}},
        {"options": {"nothing": 1}},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "kokoro", "voice": "af_bella", "input": TEXT, "stream": False}
    refused_speech(server, body | more)


@pytest.mark.parametrize(
    "text", ["…", "-- ; --", "\U0001f920", "[[]]{}", "₿-̸", "x" * 700, "ሱ 𝔛 ❺-b"]
)
def test_odd_texts_do_no_harm(server: Server, text: str) -> None:
    worker = server.worker("kokoro") if server.workers("kokoro") else None
    body = {"model": "kokoro", "voice": "af_bella", "input": text, "stream": False}
    assert server.http.post("/v1/audio/speech", json=body).status_code in (200, 400)
    assert len(say(server)) > RATE
    assert worker is None or worker.is_running()


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    request = speech_request(model="slow", input=TEXT, voice="af_bella")
    assert_stops(server, ENGINE, request, start=3.0)


@pytest.mark.parametrize(
    ("model", "told"),
    [("missing", "missing"), ("unfetched", "stentor models pull"), ("elsewhere", "cuda:7")],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
