"""Messages arrive at the other end as they were sent."""

from __future__ import annotations

import types
import warnings
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from stentor_engine import (
    Capabilities,
    ConversionCall,
    EngineError,
    InvalidCall,
    LoadFailed,
    Option,
    OutOfMemory,
    SpeechCall,
    Transcript,
    TranscriptionCall,
    Voice,
    Word,
)
from stentor_engine.errors import FrameTooLarge, MalformedFrame
from stentor_engine.messages import (
    MAX_RATE,
    MAX_REASON,
    Info,
    audio_chunk_event,
    audio_start_event,
    convert_event,
    describe_event,
    error_event,
    expect,
    extension,
    info_event,
    parse_audio_chunk,
    parse_audio_start,
    parse_convert,
    parse_error,
    parse_info,
    parse_synthesize,
    parse_transcribe,
    parse_transcript_chunk,
    pcm_chunks,
    synthesize_event,
    transcribe_event,
    transcript_chunk_event,
)
from stentor_engine.wire import MAX_PAYLOAD, PROTOCOL

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of its audioop
    from wyoming.info import Info as ForeignInfo
from .sent import sent

texts = st.text(max_size=20)

numbers = st.floats(0, 1e6)

amounts = st.integers(1, 1_000_000)

option_values = st.text(max_size=5) | st.integers() | st.booleans() | numbers

options = st.dictionaries(texts, option_values, max_size=3)

words = st.builds(
    Word, texts, numbers, st.none() | numbers, st.none() | st.integers(), st.none() | numbers
)

languages = st.lists(texts, max_size=2).map(tuple)

capabilities = st.builds(
    Capabilities,
    task=st.sampled_from(["speech", "transcription", "conversion"]),
    sample_rate=st.integers(1, MAX_RATE),
    languages=languages,
    voices=st.lists(st.builds(Voice, texts, texts, languages), max_size=2).map(tuple),
    options=st.lists(
        st.builds(
            Option,
            name=texts,
            type=st.sampled_from(["string", "integer", "number", "boolean"]),
            default=option_values,
            description=texts,
            minimum=st.none() | numbers,
            maximum=st.none() | numbers,
            choices=st.lists(texts, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    streaming=st.booleans(),
    speed=st.none() | st.just((0.5, 2.0)),
    max_chars=amounts,
    window=st.floats(0.1, 1e6),
    parallel=amounts,
)

infos = st.builds(
    Info, engine=texts, state=st.just("ready"), capabilities=capabilities
) | st.builds(
    Info,
    engine=texts,
    state=st.sampled_from(["loading", "failed"]),
    error=st.none() | texts,
    retryable=st.booleans(),
)

speech_calls = st.builds(
    SpeechCall,
    text=texts,
    voice=st.none() | texts,
    language=st.none() | texts.filter(bool),
    speed=numbers,
    seed=st.integers(),
    instructions=st.none() | texts,
    options=options,
)

TASKS: tuple[Literal["transcribe", "translate"], ...] = ("transcribe", "translate")

transcripts = st.builds(
    Transcript,
    text=texts,
    start=numbers,
    end=numbers,
    words=st.lists(words, max_size=3).map(tuple),
    language=st.none() | texts,
    details=st.dictionaries(texts, option_values | st.lists(numbers), max_size=3),
)


@given(infos)
def test_infos_arrive(info: Info) -> None:
    assert parse_info(sent(info_event(info))) == info


def test_a_worker_of_an_older_sdk_says_not_whether_it_is_out_of_memory() -> None:
    told = {"protocol": PROTOCOL, "engine": "it", "state": "failed", "error": "no memory"}
    assert parse_info(sent(Event("info", {"stentor": told}))) == Info(
        "it", "failed", error="no memory"
    )


@given(infos.filter(lambda info: info.capabilities is not None))
def test_foreign_clients_read_our_info(info: Info) -> None:
    foreign = ForeignInfo.from_event(sent(info_event(info)))
    assert info.capabilities is not None
    if info.capabilities.task == "speech":
        assert [v.name for v in foreign.tts[0].voices] == [v.id for v in info.capabilities.voices]
    elif info.capabilities.task == "transcription":
        assert [model.name for model in foreign.asr[0].models] == [info.engine]
    else:
        assert [*foreign.tts, *foreign.asr] == []


@given(speech_calls)
def test_speech_calls_arrive(call: SpeechCall) -> None:
    assert parse_synthesize(sent(synthesize_event(call))) == call


@given(texts, texts, st.floats(0, 1), st.sampled_from(TASKS), st.booleans(), options)
def test_transcription_calls_arrive(
    language: str,
    prompt: str,
    temperature: float,
    task: Literal["transcribe", "translate"],
    words: bool,
    given_options: dict[str, Any],
) -> None:
    audio = np.zeros(3, np.float32)
    call = TranscriptionCall(audio, language, prompt, temperature, task, words, given_options)
    received = parse_transcribe(sent(transcribe_event(call)), audio)
    assert received.audio is audio
    assert asdict(received) | {"audio": None} == asdict(call) | {"audio": None}


@given(st.none() | texts, st.integers(), options)
def test_conversion_calls_arrive(
    voice: str | None, seed: int, given_options: dict[str, Any]
) -> None:
    audio = np.zeros(3, np.float32)
    call = ConversionCall(audio, voice, seed=seed, options=given_options)
    received = parse_convert(sent(convert_event(call)), audio)
    assert received.audio is audio
    assert asdict(received) | {"audio": None} == asdict(call) | {"audio": None}


@given(transcripts)
def test_transcripts_arrive(transcript: Transcript) -> None:
    assert parse_transcript_chunk(sent(transcript_chunk_event(transcript))) == transcript


def test_details_may_be_any_mapping() -> None:
    details = types.MappingProxyType({"avg_logprob": -0.5})
    event = sent(transcript_chunk_event(Transcript("a", 0, 1, details=details)))
    assert parse_transcript_chunk(event).details == {"avg_logprob": -0.5}


@given(st.lists(st.integers(-32768, 32767), min_size=1), st.lists(words, max_size=3), amounts)
def test_audio_arrives(samples: list[int], told: list[Word], rate: int) -> None:
    pcm = np.array(samples, "<i2").tobytes()
    received, received_words = parse_audio_chunk(sent(audio_chunk_event(rate, pcm, told)), rate)
    assert received.dtype == np.int16
    assert received.tolist() == samples
    assert received_words == tuple(told)
    assert parse_audio_start(sent(audio_start_event(rate))) == rate


@given(st.binary(max_size=3 * MAX_PAYLOAD))
def test_audio_is_cut_between_samples(pcm: bytes) -> None:
    chunks = pcm_chunks(pcm)
    assert b"".join(chunks) == pcm
    assert all(len(chunk) <= MAX_PAYLOAD for chunk in chunks)
    assert all(len(chunk) % 2 == 0 for chunk in chunks[:-1])


@pytest.mark.parametrize("error", [EngineError, InvalidCall, OutOfMemory, LoadFailed])
def test_errors_keep_their_type(error: type[EngineError]) -> None:
    received = parse_error(sent(error_event(error("why"))))
    assert type(received) is error
    assert str(received) == "why"


def test_errors_of_the_wire_and_of_newer_ends_are_engine_errors() -> None:
    assert type(parse_error(sent(error_event(FrameTooLarge("why"))))) is EngineError
    assert type(parse_error(Event("error", {"code": "new", "text": "why"}))) is EngineError


def test_an_error_may_quote_anything() -> None:
    event = sent(error_event(EngineError("é" * 5_000_000)))
    assert str(parse_error(event)) == "é" * MAX_REASON
    assert len(str(parse_error(Event("error", {"text": "x" * 5_000})))) == MAX_REASON


def test_expect() -> None:
    pong = Event("pong")
    assert expect(pong, "pong", "info") is pong
    with pytest.raises(MalformedFrame, match="'pong' came where info was due"):
        expect(pong, "info")
    with pytest.raises(OutOfMemory, match="why"):
        expect(error_event(OutOfMemory("why")), "info")


def test_what_is_ours_can_be_changed() -> None:
    event = describe_event()
    extension(event)["protocol"] = 0
    assert extension(event) == {"protocol": PROTOCOL}
