"""Messages whose fields are missing, wrong, or of another protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wyoming.event import Event

from stentor_engine import (
    Capabilities,
    ConversionCall,
    EngineError,
    Option,
    Reference,
    SpeechCall,
    Transcript,
    TranscriptionCall,
    Voice,
    Word,
)
from stentor_engine.errors import MalformedFrame, VersionMismatch
from stentor_engine.messages import (
    Info,
    audio_chunk_event,
    audio_start_event,
    convert_event,
    error_event,
    info_event,
    parse_audio_chunk,
    parse_audio_start,
    parse_convert,
    parse_error,
    parse_info,
    parse_reference_id,
    parse_synthesize,
    parse_transcribe,
    parse_transcript_chunk,
    synthesize_event,
    transcribe_event,
    transcript_chunk_event,
)
from stentor_engine.wire import PROTOCOL

from .sent import sent

READY = info_event(
    Info(
        "engine",
        "ready",
        Capabilities(
            "speech",
            24_000,
            ("en",),
            (Voice("a", "A", ("en",)),),
            options=(Option("o", "number", 1.0, "about", 0.0, 2.0, ("x",)),),
            speed=(0.5, 2.0),
        ),
    )
)

REFERENCE = Reference("a" * 64, np.zeros(0, np.float32))

SYNTHESIZE = synthesize_event(
    SpeechCall("text", "voice", "en", 1.5, 7, "sadly", REFERENCE, {"o": 1})
)

TRANSCRIBE = transcribe_event(
    TranscriptionCall(np.zeros(0, np.float32), "en", "prompt", 0.5, "translate", True, {"o": 1})
)

CONVERT = convert_event(ConversionCall(np.zeros(0, np.float32), "voice", REFERENCE, 7, {"o": 1}))

CHUNK = audio_chunk_event(16_000, b"\0\0", [Word("a", 0.0, 1.0, 2, 0.5)])

TRANSCRIPT = transcript_chunk_event(
    Transcript("a", 0.0, 1.0, (Word("a", 0.0, 1.0, 2, 0.5),), "en", {"x": 1})
)

PARSERS = {
    "info": (READY, parse_info),
    "synthesize": (SYNTHESIZE, lambda event: (parse_synthesize(event), parse_reference_id(event))),
    "transcribe": (TRANSCRIBE, lambda event: parse_transcribe(event, np.zeros(0, np.float32))),
    "convert": (
        CONVERT,
        lambda event: (parse_convert(event, np.zeros(0, np.float32)), parse_reference_id(event)),
    ),
    "audio-start": (audio_start_event(16_000), parse_audio_start),
    "audio-chunk": (CHUNK, lambda event: parse_audio_chunk(event, 16_000)),
    "transcript-chunk": (TRANSCRIPT, parse_transcript_chunk),
    "error": (error_event(EngineError("why")), parse_error),
}

FREE = [
    ("transcript-chunk", "text"),
    ("transcript-chunk", "stentor", "details", "x"),
    ("synthesize", "stentor", "options", "o"),
    ("transcribe", "stentor", "options", "o"),
    ("convert", "stentor", "options", "o"),
    ("info", "stentor", "capabilities", "options", 0, "default"),
    ("info", "stentor", "error"),
]
"""What only foreign clients read, or what may be of several types."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    return [(*path, name) for name, _ in items] + [
        leaf for name, item in items for leaf in leaves(item, (*path, name))
    ]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def fits(value: Any, right: Any) -> bool:
    """An int is a float too, if a float can be so great."""
    if type(right) is float and type(value) is int:
        return value < 1e300
    return type(value) is type(right)


WRONG: list[Any] = [True, -5, 3, 1.5, 10**400, "word", [], [[]], {}, {"x": {}}]


def cases() -> list[Any]:
    return [
        pytest.param(kind, path, id=f"{kind}:{'.'.join(map(str, path))}")
        for kind, (event, _) in PARSERS.items()
        for path in leaves(sent(event).data)
        if (kind, *path) not in FREE and path[0] != "tts"
    ]


@pytest.mark.parametrize(("kind", "path"), cases())
def test_a_field_of_a_wrong_type_is_refused(kind: str, path: tuple[Any, ...]) -> None:
    event, parse = PARSERS[kind]
    data = sent(event).data
    right = data
    for step in path:
        right = right[step]
    for wrong in WRONG:
        if fits(wrong, right):
            continue
        with pytest.raises(MalformedFrame):
            parse(sent(Event(event.type, replaced(data, path, wrong))))


@pytest.mark.parametrize("kind", PARSERS)
def test_a_field_too_much_is_a_newer_end(kind: str) -> None:
    event, parse = PARSERS[kind]
    extra = {**event.data.get("stentor", {}), "news": [1]}
    newer = Event(event.type, {**event.data, "news": [1], "stentor": extra}, event.payload)
    assert repr(parse(sent(newer))) == repr(parse(sent(event)))


@pytest.mark.parametrize(
    "kind", ["info", "synthesize", "transcribe", "convert", "transcript-chunk"]
)
@pytest.mark.parametrize("version", [PROTOCOL + 1, 0, -1])
def test_another_protocol_is_refused(kind: str, version: int) -> None:
    event, parse = PARSERS[kind]
    other = Event(event.type, replaced(event.data, ("stentor",), {"protocol": version}))
    with pytest.raises(VersionMismatch):
        parse(other)


@pytest.mark.parametrize("kind", sorted(PARSERS.keys() - {"error", "transcribe", "convert"}))
def test_a_message_without_anything(kind: str) -> None:
    with pytest.raises(MalformedFrame):
        PARSERS[kind][1](Event(PARSERS[kind][0].type))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sample_rate",), 0),
        (("sample_rate",), -1),
        (("parallel",), 0),
        (("max_chars",), 0),
        (("window",), 0),
        (("speed",), [0.0, 1.0]),
        (("speed",), [2.0, 1.0]),
        (("speed",), [1.0]),
        (("task",), "singing"),
        (("options", 0, "type"), "list"),
    ],
)
def test_senseless_capabilities_are_refused(path: tuple[Any, ...], value: Any) -> None:
    data = replaced(sent(READY).data, ("stentor", "capabilities", *path), value)
    with pytest.raises(MalformedFrame):
        parse_info(Event("info", data))


def test_ready_without_capabilities() -> None:
    with pytest.raises(MalformedFrame):
        parse_info(Event("info", {"stentor": {"engine": "a", "state": "ready"}}))


@pytest.mark.parametrize(
    "change", [{"rate": 8_000}, {"width": 4}, {"channels": 2}, {"rate": None}, {"width": "2"}]
)
def test_audio_of_another_format_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedFrame):
        parse_audio_chunk(Event("audio-chunk", {**CHUNK.data, **change}, b"\0\0"), 16_000)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        parse_audio_chunk(Event("audio-chunk", CHUNK.data, b"\0\0\0"), 16_000)
