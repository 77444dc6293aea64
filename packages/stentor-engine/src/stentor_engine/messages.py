"""The messages between gateway and worker, as Wyoming events.

| to the worker                                | answers                                     |
|----------------------------------------------|---------------------------------------------|
| `describe`                                   | `info`; once more when loading has ended    |
| `ping`                                       | `pong`                                      |
| `synthesize`                                 | `audio-start`, `audio-chunk`…, `audio-stop` |
| `transcribe`, `audio-start`, `audio-chunk`…, | `transcript-start`, `transcript-chunk`…,    |
| `audio-stop`                                 | `transcript`, `transcript-stop`             |

Anything may be answered by `error`. What Wyoming has no field for stands under the key `stentor`.
A call has succeeded when its `-stop` event came, and only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import Capabilities, SpeechCall, Transcript, TranscriptionCall, Voice, Word
from .errors import EngineError, MalformedFrame, VersionMismatch, WireError, engine_error
from .options import Option
from .wire import MAX_PAYLOAD, PROTOCOL

LoadState = Literal["loading", "ready", "failed"]


@dataclass(frozen=True)
class Info:
    """What a worker says of itself: `capabilities` when it is ready, `error` when it failed."""

    engine: str
    state: LoadState
    capabilities: Capabilities | None = None
    error: str | None = None


def describe_event() -> Event:
    return Event("describe", {"stentor": {"protocol": PROTOCOL}})


def info_event(info: Info) -> Event:
    """Also a valid Wyoming `info`, so that foreign clients can list a ready worker."""
    data: dict[str, Any] = {"stentor": {"protocol": PROTOCOL, **asdict(info)}}
    if info.capabilities is not None:
        domain = "tts" if info.capabilities.task == "speech" else "asr"
        data[domain] = [_program(info.engine, info.capabilities)]
    return Event("info", data)


def _program(engine: str, capabilities: Capabilities) -> dict[str, Any]:
    about = {"attribution": {"name": "", "url": ""}, "installed": True, "version": None}
    program: dict[str, Any] = {"name": engine, "description": engine, **about}
    if capabilities.task == "transcription":
        model = {"name": engine, "languages": capabilities.languages, "description": engine}
        return {**program, "models": [{**model, **about}]}
    voices = [
        {"name": voice.id, "languages": voice.languages, "description": voice.name, **about}
        for voice in capabilities.voices
    ]
    return {**program, "voices": voices}


def parse_info(event: Event) -> Info:
    extra = extension(expect(event, "info"))
    try:
        given = extra.pop("capabilities", None)
        extra.pop("protocol", None)
        return Info(**extra, capabilities=_capabilities(given) if given else None)
    except (TypeError, KeyError, ValueError) as error:
        raise MalformedFrame(f"not an info: {error!r}") from error


def _capabilities(given: Mapping[str, Any]) -> Capabilities:
    voices = tuple(Voice(v["id"], v["name"], tuple(v["languages"])) for v in given["voices"])
    options = tuple(Option(**{**o, "choices": tuple(o["choices"])}) for o in given["options"])
    speed = tuple(given["speed"]) if given["speed"] else None
    languages = tuple(given["languages"])
    sequences = {"voices": voices, "options": options, "speed": speed, "languages": languages}
    capabilities = Capabilities(**{**given, **sequences})
    if _field(given, "sample_rate", (int,)) <= 0 or _field(given, "parallel", (int,)) <= 0:
        raise MalformedFrame("a sample rate and the calls at once are positive")
    return capabilities


def synthesize_event(call: SpeechCall) -> Event:
    data: dict[str, Any] = {"text": call.text}
    if call.voice is not None:
        data["voice"] = {"name": call.voice}
    data["stentor"] = {
        "protocol": PROTOCOL,
        "language": call.language,
        "speed": call.speed,
        "seed": call.seed,
        "options": dict(call.options),
    }
    return Event("synthesize", data)


def parse_synthesize(event: Event) -> SpeechCall:
    data, extra = event.data, extension(event)
    voice = data.get("voice") or {}
    language = extra.get("language") or _field(voice, "language", (str,), None)
    return SpeechCall(
        text=_field(data, "text", (str,)),
        voice=_field(voice, "name", (str,), None),
        language=language,
        speed=_field(extra, "speed", _NUMBER, 1.0),
        seed=_field(extra, "seed", (int,), 0),
        options=_field(extra, "options", (dict,), {}),
    )


def audio_start_event(rate: int) -> Event:
    return Event("audio-start", _format(rate))


def audio_chunk_event(rate: int, pcm: bytes, words: Sequence[Word] = ()) -> Event:
    """`pcm` is s16le mono; `words` start no earlier than this chunk, or were due with it."""
    data = _format(rate)
    if words:
        data["stentor"] = {"words": [asdict(word) for word in words]}
    return Event("audio-chunk", data, pcm)


def parse_audio_chunk(event: Event, rate: int) -> tuple[NDArray[np.int16], tuple[Word, ...]]:
    """int16 samples, shape (n,), and the words that came with them."""
    data = event.data
    if (data.get("rate"), data.get("width"), data.get("channels")) != (rate, 2, 1):
        raise MalformedFrame(f"audio is not s16le mono at {rate} Hz")
    payload = event.payload or b""
    if len(payload) % 2:
        raise MalformedFrame("half a sample")
    samples = np.frombuffer(payload, np.dtype("<i2")).astype(np.int16, copy=False)
    return samples, parse_words(_field(extension(event), "words", (list,), []))


def pcm_chunks(pcm: bytes) -> list[bytes]:
    """Payloads that a frame may carry; one empty payload for no audio."""
    return [pcm[at : at + MAX_PAYLOAD] for at in range(0, len(pcm), MAX_PAYLOAD)] or [b""]


def audio_stop_event() -> Event:
    return Event("audio-stop")


def transcribe_event(call: TranscriptionCall) -> Event:
    """Without the audio, which follows in events of its own."""
    data: dict[str, Any] = {} if call.language is None else {"language": call.language}
    data["stentor"] = {
        "protocol": PROTOCOL,
        "prompt": call.prompt,
        "temperature": call.temperature,
        "options": dict(call.options),
    }
    return Event("transcribe", data)


def parse_transcribe(event: Event, audio: NDArray[np.float32]) -> TranscriptionCall:
    extra = extension(event)
    return TranscriptionCall(
        audio=audio,
        language=_field(event.data, "language", (str,), None),
        prompt=_field(extra, "prompt", (str,), None),
        temperature=_field(extra, "temperature", _NUMBER, 0.0),
        options=_field(extra, "options", (dict,), {}),
    )


def transcript_chunk_event(transcript: Transcript) -> Event:
    return Event("transcript-chunk", {"text": transcript.text, "stentor": asdict(transcript)})


def parse_transcript_chunk(event: Event) -> Transcript:
    extra = extension(event)
    return Transcript(
        text=_field(event.data, "text", (str,)),
        start=_field(extra, "start", _NUMBER),
        end=_field(extra, "end", _NUMBER),
        words=parse_words(_field(extra, "words", (list,), [])),
        language=_field(extra, "language", (str,), None),
        details=_field(extra, "details", (dict,), {}),
    )


def error_event(error: EngineError | WireError) -> Event:
    return Event("error", {"text": str(error), "code": error.code})


def parse_error(event: Event) -> EngineError:
    data = event.data
    return engine_error(
        _field(data, "code", (str,), EngineError.code), _field(data, "text", (str,), "")
    )


def parse_words(given: Sequence[Any]) -> tuple[Word, ...]:
    return tuple(
        Word(
            text=_field(word, "text", (str,)),
            start=_field(word, "start", _NUMBER),
            end=_field(word, "end", _NUMBER, None),
            at=_field(word, "at", (int,), None),
            confidence=_field(word, "confidence", _NUMBER, None),
        )
        for word in given
    )


def extension(event: Event) -> dict[str, Any]:
    """A copy of our own fields; raises VersionMismatch when they are of another protocol."""
    extra = event.data.get("stentor") or {}
    if not isinstance(extra, dict):
        raise MalformedFrame("'stentor' is not an object")
    version = extra.get("protocol", PROTOCOL)
    if version != PROTOCOL:
        raise VersionMismatch(f"the other end speaks protocol {version}, this one {PROTOCOL}")
    return dict(extra)


def expect(event: Event, *types: str) -> Event:
    """The event, when it is of one of the types; raises what an `error` event says."""
    if event.type == "error" and "error" not in types:
        raise parse_error(event)
    if event.type not in types:
        raise MalformedFrame(f"'{event.type}' came where {' or '.join(types)} was due")
    return event


def _format(rate: int) -> dict[str, Any]:
    return {"rate": rate, "width": 2, "channels": 1}


_REQUIRED: Any = object()
_NUMBER = (int, float)


def _field(data: Any, name: str, types: tuple[type, ...], default: Any = _REQUIRED) -> Any:
    if not isinstance(data, dict):
        raise MalformedFrame("a field that holds fields is not an object")
    value = data.get(name)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, types) or isinstance(value, bool):
        raise MalformedFrame(f"field '{name}' is missing or of a wrong type")
    return value
