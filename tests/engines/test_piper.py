"""piper-tts on tiny voices: a sine at a speaker's own level, 512 samples for every id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.audio import Samples
from tests.engines.hang_up import assert_stops, speech_request
from tests.engines.refusals import refused_speech, unavailable
from tests.engines.speaking import level, pitch, spoken, timed_events, timed_words
from tests.servers import Server

ENGINE = "piper"
RATE, ID = 22_050, 512
TEXT = "Hello world."
IDS = 1 + 1 + 2 * len("həlˈoʊ wˈɜːld.") + 1
"""The begin, each phoneme with a pad behind it, and the end."""
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment at speed 1."""
CONFIG = """
[models.piper]
weights = "{folder}"
backends = [{{ engine = "piper", device = "cpu" }}]
[models.one]
weights = "{folder}/en_GB-alan-low.onnx"
backends = [{{ engine = "piper", options = {{ normalize_audio = false }} }}]
[models.slow]
weights = "{folder}/slow"
backends = [{{ engine = "piper" }}]
[models.noisy]
weights = "{folder}/noisy"
backends = [{{ engine = "piper" }}]
[models.pinyin]
weights = "{folder}/pinyin"
backends = [{{ engine = "piper" }}]
[models.missing]
weights = "{folder}/missing"
backends = [{{ engine = "piper" }}]
[models.unfetched]
backends = [{{ engine = "piper" }}]
[models.elsewhere]
weights = "{folder}"
backends = [{{ engine = "piper", device = "mps" }}]
"""


def say(server: Server, text: str = TEXT, *, rate: int = RATE, **more: Any) -> Samples:
    usual: dict[str, Any] = {"model": "piper", "voice": "default", "sample_rate": rate}
    return spoken(server, text, rate=rate, **usual | more)


def test_it_says_as_much_as_the_weights_make_it(server: Server) -> None:
    samples = say(server)
    assert len(samples) == IDS * ID + PAUSE
    assert level(samples) == pytest.approx(1.0, abs=0.01)
    assert pitch(samples, RATE) == pytest.approx(200, abs=3)
    assert len(say(server, speed=2.0)) == pytest.approx((IDS * ID + PAUSE) / 2, abs=1)


def test_a_folder_is_many_voices(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "piper"}).json()["voices"]
    speakers = [f"en_US-libritts-high:p{number}" for number in (1, 2, 3)]
    names = ["en_US-lessac-medium", "en_GB-alan-low", "en_US-libritts-high", *speakers]
    assert [voice["id"] for voice in voices] == names
    quiet = {"normalize_audio": False}
    levels = [level(say(server, voice=voice, options=quiet)) for voice in speakers]
    assert levels == pytest.approx([0.5, 0.25, 0.125], abs=0.01)


def test_a_voice_of_another_rate_sounds_the_same(server: Server) -> None:
    samples = say(server, voice="en_GB-alan-low")
    alone = say(server, model="one", rate=16_000)
    assert len(samples) / RATE == pytest.approx(len(alone) / 16_000, abs=0.01)
    assert pitch(samples, RATE) == pytest.approx(200, abs=3)
    assert level(alone) == pytest.approx(0.5, abs=0.01)


def test_options_reach_the_voice(server: Server) -> None:
    options = {"normalize_audio": False, "volume": 0.5}
    assert level(say(server, options=options)) == pytest.approx(0.25, abs=0.01)


def test_equal_calls_are_equal_where_nothing_is_drawn(server: Server) -> None:
    assert np.array_equal(say(server, seed=1), say(server, seed=2))
    assert not np.array_equal(
        say(server, model="noisy", seed=1), say(server, model="noisy", seed=2)
    )


def test_words_are_told_in_time(server: Server) -> None:
    words = timed_words(timed_events(server, {"model": "piper", "input": TEXT}))
    assert [word["word"] for word in words] == ["Hello", "world."]
    starts = [2 * ID / RATE, (2 + 2 * 7) * ID / RATE]
    assert [word["start"] for word in words] == pytest.approx(starts, abs=0.002)


def test_sentences_follow_one_another(server: Server) -> None:
    first, second = say(server, "Hello world."), say(server, "And again.")
    both = say(server, "Hello world. And again.")
    assert len(both) == len(first) + len(second) - PAUSE


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "nobody"},
        {"voice": "en_US-libritts-high:p9"},
        {"language": "ru"},
        {"options": {"volume": 3}},
        {"options": {"noise_scale": "much"}},
        {"options": {"nothing": 1}},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    refused_speech(server, {"model": "piper", "input": TEXT} | more)


@pytest.mark.parametrize(
    "text", ["…", "-- ; --", "\U0001f920", "[[]]{}", "[[a", "₿-̸", "x" * 700, "ሱ 𝔛 ❺-b"]
)
def test_odd_texts_do_no_harm(server: Server, text: str) -> None:
    say(server)
    before = set(server.workers("piper"))
    body = {"model": "piper", "input": text, "stream": False}
    assert server.http.post("/v1/audio/speech", json=body).status_code in (200, 400)
    assert len(say(server)) == IDS * ID + PAUSE
    assert set(server.workers("piper")) == before


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    assert_stops(server, ENGINE, speech_request(model="slow", input=TEXT), start=3.0)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("missing", "missing"),
        ("unfetched", "stentor models pull"),
        ("elsewhere", "mps"),
        ("pinyin", "read as pinyin"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)
