"""xtts-v2 on tiny models: random voices, of known lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audio import Samples
from tests.engines.conftest import Inside
from tests.engines.hang_up import assert_stops, speech_request
from tests.engines.refusals import refused_speech, unavailable
from tests.engines.sampling import said_after_a_full_gpu
from tests.engines.speaking import recording, spoken
from tests.servers import Server

ENGINE = "xtts-v2"
RATE = 24_000
TEXT = "Hello there, you who listen."
TOKENS = 16 + 1
"""Of the recipe, and the one that ends them."""
PAUSE = RATE // 10
"""Samples of silence that the gateway puts behind a segment at speed 1."""
LONG = "日本語の文章です、" * 12
"""Longer than what the model takes of Japanese in one run, shorter than two of that."""


def samples(tokens: int, speed: float = 1.0) -> int:
    """Four frames for each token, from 22 050 to 24 000 Hz; a frame is of 256 samples."""
    return int(int(tokens / speed) * 4 * 24_000 / 22_050) * 256


def models() -> Iterator[str]:
    folders = ("tiny", "endless", "speechless", "foreign", "lacking", "nowhere")
    for name in folders:
        backend = '{{ engine = "xtts-v2", device = "cpu" }}'
        yield f'[models.{name}]\nweights = "{{folder}}/{name}"\nbackends = [{backend}]\n'
    backend = '{{ engine = "xtts-v2", device = "cuda:7" }}'
    yield f'[models.elsewhere]\nweights = "{{folder}}/tiny"\nbackends = [{backend}]\n'


CONFIG = "".join(models())


def say(server: Server, text: str = TEXT, **more: Any) -> Samples:
    usual: dict[str, Any] = {"model": "tiny", "seed": 1}
    return spoken(server, text, rate=RATE, **usual | more)


def made(audio: Samples, pause: float = PAUSE) -> int:
    """Samples of it that the model made: whole frames. A ramp before them is shorter than one."""
    return int(len(audio) - pause) // 256 * 256


def test_it_speaks_as_long_as_the_weights_make_it(server: Server) -> None:
    audio = say(server, options={"stream_chunk_size": 200})
    assert made(audio) == samples(TOKENS)
    assert np.abs(audio[:-PAUSE].astype(float)).max() > 100
    assert not audio[-PAUSE // 2 :].any()


def test_what_is_streamed_is_as_long(server: Server) -> None:
    whole, parts = (say(server, options={"stream_chunk_size": n}) for n in (200, 5))
    assert len(parts) == len(whole)
    # But for where two parts are faded into each other, they are equal.
    assert np.array_equal(parts[:1000], whole[:1000])


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_is_the_models_own(server: Server, speed: float) -> None:
    assert made(say(server, speed=speed), PAUSE / speed) == samples(TOKENS, speed)


def test_the_speakers_of_the_file_are_its_voices(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "tiny"}).json()["voices"]
    assert [each["id"] for each in voices] == ["Claribel Dervla", "Daisy Studious", "Damien Black"]
    first, last = (say(server, voice=name) for name in ("Claribel Dervla", "Damien Black"))
    assert np.array_equal(first, say(server))
    assert not np.array_equal(first, last)


def test_equal_seeds_are_equal_in_another_process_too(server: Server) -> None:
    first = say(server)
    assert not np.array_equal(first, say(server, seed=2))
    assert not np.array_equal(first, say(server, options={"temperature": 2.0}))
    assert not np.array_equal(first, say(server, "Something else is said."))
    (worker,) = {each for each in server.workers("xtts-v2") if "tiny" in " ".join(each.cmdline())}
    worker.kill()
    worker.wait()
    assert np.array_equal(first, say(server))


def test_it_takes_on_a_voice(server: Server) -> None:
    one, other, again = (
        say(server, reference_audio=recording(seed), options={"top_k": 40 + n})
        for n, seed in enumerate((1, 2, 1))
    )
    assert made(one) == samples(TOKENS)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, say(server))
    assert np.array_equal(say(server, reference_audio=recording(1), options={"top_k": 42}), again)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "Hola, 3 días."),
        ("fr", "Bonjour à tous."),
        ("de", "Es kostet 12,50 €."),
        ("it", "Buongiorno."),
        ("pt", "Olá, bom dia."),
        ("pl", "Dzień dobry."),
        ("tr", "İyi günler."),
        ("ru", "Добрый день."),
        ("nl", "Goedemorgen."),
        ("cs", "Dobrý den."),
        ("ar", "صباح الخير."),
        ("zh", "你好。"),
        ("hu", "Jó napot."),
        ("ko", "안녕하세요."),
        ("ja", "こんにちは。"),
        ("hi", "नमस्ते दुनिया।"),
    ],
)
def test_every_language_is_spoken(server: Server, language: str, text: str) -> None:
    assert made(say(server, text, language=language)) == samples(TOKENS)


@pytest.mark.parametrize(
    "more",
    [
        {"voice": "Nobody"},
        {"language": "sv"},
        {"options": {"top_p": 0}},
        {"options": {"nothing": 1}},
        {"reference_audio": recording(1, 0.4)},
        {"model": "speechless"},
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused(server: Server, more: dict[str, object]) -> None:
    body = {"model": "tiny", "voice": "alloy", "input": TEXT, "stream": False} | more
    refused_speech(server, body)


def test_without_speakers_it_takes_on_a_voice(server: Server) -> None:
    one = say(server, model="speechless", reference_audio=recording(1))
    assert np.array_equal(one, say(server, reference_audio=recording(1)))


def test_a_model_that_comes_to_no_end_is_told(server: Server) -> None:
    body = {"model": "endless", "voice": "alloy", "input": TEXT, "stream": False}
    options = {"stream_chunk_size": 200}
    answer = server.http.post("/v1/audio/speech", json=body | {"options": options}, timeout=120)
    assert answer.status_code >= 500
    assert "did not come to an end" in answer.text


def test_a_hang_up_stops_it_amid_a_piece(server: Server) -> None:
    options = {"stream_chunk_size": 5}
    say(server)
    request = speech_request(model="endless", input=TEXT, voice="alloy", options=options)
    assert_stops(server, ENGINE, request, start=15.0)


def test_a_full_gpu_is_told_and_the_next_call_served(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    whole = said_after_a_full_gpu(
        ENGINE,
        inside,
        recipe(ENGINE) / "tiny",
        encoder="_model.gpt.conditioning_encoder",
        decoder="_model.hifigan_decoder.waveform_decoder",
    )
    assert whole == samples(TOKENS)


PIECES = """
import json, sys
from pathlib import Path
import numpy as np
from stentor_engine import Reference, Settings, SpeechCall, complete_options
from stentor_engine.loader import engine_class

_, file, name, weights, text = sys.argv
engine = engine_class(Path(file), name)(Settings(weights=weights, device="cpu"))
options = complete_options(engine.capabilities.options)
noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 9
call = SpeechCall(text, language="ja", options=options, reference=Reference("noise", noise))
counted = []
engine._model.gpt.conditioning_encoder.register_forward_hook(lambda *_: counted.append(1))
said = sum(len(piece) for piece in engine.synthesize(call) if piece is not None)
print(json.dumps([said, len(counted)]))
"""


def test_a_long_text_is_spoken_in_pieces_and_the_recording_heard_once(
    inside: Inside, recipe: Callable[[str], Path]
) -> None:
    said, heard = inside(ENGINE, PIECES, ENGINE, str(recipe(ENGINE) / "tiny"), LONG)
    assert (said, heard) == (2 * samples(TOKENS), 1)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere", "are not there"),
        ("lacking", "model.pth"),
        ("foreign", "weights cannot be loaded"),
        ("elsewhere", "cuda:7"),
    ],
)
def test_what_is_not_there_is_told(server: Server, model: str, told: str) -> None:
    with unavailable(told):
        say(server, model=model)


def test_the_weights_stay_as_they_are(server: Server, recipe: Callable[[str], Path]) -> None:
    """The package would write them anew."""
    file = recipe(ENGINE) / "tiny" / "model.pth"
    assert len(say(server)) > RATE / 2
    assert b"XttsConfig" in file.read_bytes()
