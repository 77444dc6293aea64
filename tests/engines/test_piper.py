"""piper-tts on tiny voices: a sine at a speaker's own level, 512 samples for every id."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import openai
import psutil
import pytest

from tests.audio import Samples, decoded
from tests.engines.conftest import Serve
from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until

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
[models.missing]
weights = "{folder}/missing"
backends = [{{ engine = "piper" }}]
[models.unfetched]
backends = [{{ engine = "piper" }}]
[models.elsewhere]
weights = "{folder}"
backends = [{{ engine = "piper", device = "mps" }}]
"""


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Server]:
    with serve("piper", CONFIG) as server:
        yield server


def say(
    server: Server,
    text: str = TEXT,
    *,
    model: str = "piper",
    voice: str = "default",
    speed: float = 1.0,
    rate: int = RATE,
    **more: object,
) -> Samples:
    """The rate of the answer is checked."""
    speech = server.client().audio.speech.create(
        model=model,
        voice=voice,
        input=text,
        response_format="wav",
        speed=speed,
        extra_body={"sample_rate": rate, **more},
    )
    samples, found = decoded(speech.content)
    assert found == rate
    return samples


def level(samples: Samples) -> float:
    return float(np.abs(samples.astype(float)).max() / 32767)


def pitch(samples: Samples, rate: int) -> float:
    """Hz, of a sine."""
    return float(np.argmax(np.abs(np.fft.rfft(samples.astype(float)))) * rate / len(samples))


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
    body = {"model": "piper", "input": TEXT, "stream_format": "sse", "timestamps": True}
    answer = server.http.post("/v1/audio/speech", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:7] == "data: {"]
    words = [word for event in events for word in event.get("words", ())]
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
    answer = server.http.post("/v1/audio/speech", json={"model": "piper", "input": TEXT} | more)
    assert answer.status_code == 400, answer.text


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
    before = set(server.workers("piper"))
    body = json.dumps({"model": "slow", "input": TEXT})
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    client = connect(server)
    client.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
    (worker,) = until(lambda: set(server.workers("piper")) - before, "its worker starts")
    until(lambda: cpu(worker) > 4.0, "it computes", timeout=60)
    client.close()
    until(lambda: still(worker), "it stands still, of minutes that the whole would take")


def still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


@pytest.mark.parametrize(
    ("model", "told"),
    [("missing", "missing"), ("unfetched", "stentor models pull"), ("elsewhere", "mps")],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        say(server, model=model)
    assert raised.value.status_code == 503
    assert raised.value.code == "model_unavailable"
    assert told in str(raised.value)
