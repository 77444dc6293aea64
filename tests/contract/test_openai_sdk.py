"""The official SDK against a server with the engines of the base install."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import openai
import pytest

from tests.audio import decoded, streamed_wav, word_errors, words
from tests.servers import Server

TEXT = "The old man walked slowly to the harbour. He looked at the ships, and then went home."
JFK = (
    "And so my fellow Americans ask not what your country can do for you "
    "ask what you can do for your country"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> openai.OpenAI:
    return server.client()


@pytest.fixture(scope="module")
def spoken(client: openai.OpenAI) -> bytes:
    return client.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="wav"
    ).read()


def test_speech(client: openai.OpenAI, spoken: bytes) -> None:
    samples, rate = streamed_wav(spoken)
    assert rate == 24_000
    assert 4 < len(samples) / rate < 8
    assert 1_000 < abs(samples).mean() < 10_000


@pytest.mark.parametrize(
    ("audio_format", "content_type"),
    [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac")],
)
def test_formats_are_equally_long(
    client: openai.OpenAI,
    spoken: bytes,
    audio_format: Literal["mp3", "wav", "flac"],
    content_type: str,
) -> None:
    answer = client.audio.speech.with_raw_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=audio_format
    )
    assert answer.headers["content-type"] == content_type
    samples, rate = decoded(answer.content)
    assert rate == 24_000
    assert abs(len(samples) / rate - len(streamed_wav(spoken)[0]) / 24_000) < 0.1


def test_pcm_is_the_wav_without_its_header(client: openai.OpenAI, spoken: bytes) -> None:
    pcm = client.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="pcm"
    ).read()
    assert abs(len(pcm) - len(spoken[44:])) < 0.1 * 48_000


def test_streaming(client: openai.OpenAI) -> None:
    """The first bytes come long before the last: they are not made all at once."""
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="nova", input=TEXT * 100, response_format="wav"
    ) as answer:
        assert answer.headers["x-stentor-model"] == "espeak"
        assert answer.headers["x-stentor-backend"] == "engine:espeak"
        assert "content-length" not in answer.headers
        pieces = list(answer.iter_bytes(4096))
    assert len(streamed_wav(b"".join(pieces))[0]) > 300 * 24_000


@pytest.mark.parametrize("stream", [True, False])
def test_a_name_that_is_no_text_for_a_header_is_percent_encoded(stream: bool) -> None:
    name = "größe 模型 100%\N{LINE SEPARATOR}"
    with Server(f'[models."{name}"]\nbackends = [{{ engine = "echo" }}]') as server:
        answer = server.client().audio.speech.with_raw_response.create(
            model=name, voice="alloy", input=TEXT, extra_body={"stream": stream}
        )
        told = answer.headers["x-stentor-model"]
        assert told.isascii()
        assert unquote(told) == name


def test_a_complete_answer(client: openai.OpenAI, spoken: bytes) -> None:
    answer = client.audio.speech.with_raw_response.create(
        model="tts-1",
        voice="alloy",
        input=TEXT,
        response_format="wav",
        extra_body={"stream": False},
    )
    samples, rate = decoded(answer.content)
    assert int(answer.headers["content-length"]) == len(answer.content) == 44 + 2 * len(samples)
    assert float(answer.headers["x-audio-duration"]) == pytest.approx(len(samples) / rate, abs=1e-3)
    assert float(answer.headers["x-generation-time"]) > 0
    assert 0 < float(answer.headers["x-real-time-factor"]) < 10
    assert abs(len(samples) - len(streamed_wav(spoken)[0])) < 0.1 * rate


def test_equal_requests_are_nearly_equal_and_voices_are_not(client: openai.OpenAI) -> None:
    def speak(voice: str, speed: float = 1.0) -> int:
        answer = client.audio.speech.create(
            model="tts-1", voice=voice, input=TEXT, response_format="pcm", speed=speed
        )
        return len(answer.read())

    assert abs(speak("alloy") - speak("alloy")) < 0.02 * 48_000
    assert speak("alloy") != speak("ash")
    assert 0.4 < speak("alloy", speed=2.0) / speak("alloy") < 0.65


def test_transcription_of_what_was_spoken(client: openai.OpenAI) -> None:
    """One synthetic voice, one small model: they understand each other on a good day only."""
    text = "He has been working on this project for more than three years."
    spoken = client.audio.speech.create(
        model="tts-1", voice="en-us", input=text, response_format="mp3", speed=0.85
    ).read()
    heard = client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", spoken))
    assert word_errors(words(text), words(heard.text)) <= 0.5 * len(words(text)), heard.text


def test_transcription_of_a_recording(client: openai.OpenAI, recording: Path) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=recording, response_format="json", language="en"
    )
    assert word_errors(words(JFK), words(heard.text)) <= 0.4 * len(words(JFK)), heard.text
    assert heard.usage is not None
    assert heard.usage.type == "duration"
    assert heard.usage.seconds == pytest.approx(11.0, abs=0.1)
    text = client.audio.transcriptions.create(
        model="whisper-1", file=recording, response_format="text"
    )
    assert text.strip() == heard.text


def test_transcription_as_events(client: openai.OpenAI, recording: Path) -> None:
    events = list(
        client.audio.transcriptions.create(model="whisper-1", file=recording, stream=True)
    )
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert done.text == "".join(deltas)
    assert len(done.text.split()) > 10


def test_models(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {"espeak", "tts-1", "pocketsphinx", "whisper-1"} <= names
    assert client.models.retrieve("tts-1").id == "tts-1"


def test_errors_are_those_that_the_sdk_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.audio.speech.create(model="nothing", voice="alloy", input="a")
    assert unknown.value.code == "model_not_found"
    assert unknown.value.param == "model"
    with pytest.raises(openai.BadRequestError) as empty:
        client.audio.speech.create(model="tts-1", voice="alloy", input="")
    assert empty.value.param == "input"
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"text"))


@pytest.mark.anyio
async def test_async(server: Server, sentence: Path) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=TEXT, response_format="wav"
        ) as answer:
            audio = b"".join([piece async for piece in answer.iter_bytes()])
        assert len(streamed_wav(audio)[0]) > 4 * 24_000
        heard = await client.audio.transcriptions.create(model="whisper-1", file=sentence)
        assert "country" in heard.text


def test_voices(server: Server) -> None:
    voices = server.http.get("/v1/audio/voices", params={"model": "tts-1"}).json()["voices"]
    assert len({voice["id"] for voice in voices}) == len(voices) > 80
    assert "en-us" in {voice["id"] for voice in voices}
    german = server.client().audio.speech.create(
        model="tts-1", voice="de", input="Guten Tag, wie geht es Ihnen?", response_format="pcm"
    )
    assert len(german.read()) > 48_000


@pytest.mark.anyio
async def test_the_asynchronous_client(server: Server, sentence: Path) -> None:
    """The same routes, at once, and streamed."""
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", max_retries=0
    ) as client:

        async def spoken(audio_format: Literal["wav", "opus"]) -> bytes:
            async with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice="sage", input=TEXT, response_format=audio_format
            ) as answer:
                return b"".join([piece async for piece in answer.iter_bytes()])

        async def heard() -> str:
            text = ""
            events = await client.audio.transcriptions.create(
                model="whisper-1", file=sentence, stream=True
            )
            async for event in events:
                if event.type == "transcript.text.delta":
                    text += event.delta
                elif event.type == "transcript.text.done":
                    assert event.text == text
            return text

        wav, opus, text = await asyncio.gather(spoken("wav"), spoken("opus"), heard())
        assert len(decoded(opus)[0]) / 48_000 == pytest.approx(
            len(streamed_wav(wav)[0]) / 24_000, abs=0.1
        )
        assert "country" in text
        assert "tts-1" in [model.id async for model in client.models.list()]
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nothing")
