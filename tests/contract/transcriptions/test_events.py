"""Answers as streams of events."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import openai
import pytest

from tests.audio import Samples, wav
from tests.contract.transcriptions.requests import RATE, VERBOSE, post
from tests.servers import Server

Events = list[dict[str, Any]]


def test_the_verbose_route_as_events(server: Server, audio: bytes) -> None:
    """The same, segment by segment."""
    whole = post(server, audio, VERBOSE, model="polyglot").json()
    streamed = post(server, audio, VERBOSE, model="polyglot", stream="true")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in streamed.text.splitlines() if line.startswith("data: ")]
    *segments, done = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert done["type"] == "transcript.text.done"
    assert {segment.pop("type") for segment in segments} == {"transcript.text.segment"}
    assert [word for segment in segments for word in segment.pop("words")] == whole["words"]
    assert segments == whole["segments"]
    for name in ("text", "usage", "model", "backend", "languages", "language_source", "ignored"):
        assert done[name] == whole[name]


def test_events(client: openai.OpenAI, audio: bytes) -> None:
    for response_format in ("json", "text"):
        events = list(
            client.audio.transcriptions.create(
                model="scripted",
                file=("a.wav", audio),
                stream=True,
                response_format=response_format,
            )
        )
        deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
        assert deltas == ["Hello there, you.", " And goodbye!"]
        done = events[-1]
        assert done.type == "transcript.text.done"
        assert done.text == "".join(deltas)
        assert done.usage is not None
        assert done.languages is None
        assert len(events) == 3


@pytest.mark.anyio
async def test_events_for_an_async_client(server: Server, audio: bytes) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        stream = await client.audio.transcriptions.create(
            model="polyglot", file=("a.wav", audio), stream=True
        )
        *deltas, done = [event async for event in stream]
        assert done.type == "transcript.text.done"
        assert done.languages is not None
        assert [language.code for language in done.languages] == ["de"]
        assert done.text == "".join(getattr(event, "delta", "") for event in deltas) != ""
        told = await client.audio.transcriptions.create(model="polyglot", file=("a.wav", audio))
        assert told.text == done.text


def events_of(body: str) -> Events:
    """Of a stream, by its bytes: each event has its name and one line of data."""
    events: Events = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def test_a_stream_of_silence_has_its_end(server: Server) -> None:
    answer = post(server, wav(np.zeros(RATE, np.int16), RATE), stream="true")
    assert answer.headers["content-type"].startswith("text/event-stream")
    usage = {"type": "duration", "seconds": 1.0}
    (done,) = events_of(answer.text)
    assert done == {"type": "transcript.text.done", "text": "", "usage": usage}


def test_an_error_in_the_middle_of_a_stream(
    server: Server, client: openai.OpenAI, counting: Samples
) -> None:
    """The file proves too long when much of it was heard."""
    long = wav(np.tile(counting, 8), RATE)
    answer = post(server, long, stream="true", chunking_strategy='{"type": "server_vad"}')
    assert answer.status_code == 200
    *before, last = events_of(answer.text)
    assert len(before) > 4
    assert {event["type"] for event in before} == {"transcript.text.delta"}
    assert last["type"] == "error"
    assert last["error"]["code"] == "audio_too_long"
    with pytest.raises(openai.APIError, match="60 seconds"):
        list(
            client.audio.transcriptions.create(
                model="plain",
                file=("a.wav", long),
                stream=True,
                chunking_strategy={"type": "server_vad"},
            )
        )
