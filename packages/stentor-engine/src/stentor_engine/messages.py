"""The messages between gateway and worker, as Wyoming events.

| to the worker                                | answers                                     |
|----------------------------------------------|---------------------------------------------|
| `describe`                                   | `info`; once more when loading has ended    |
| `ping`                                       | `pong`, with the memory that it takes       |
| `synthesize`                                 | `audio-start`, `audio-chunk`…, `audio-stop` |
| with a reference that is not known           | `reference-wanted`, before                  |
| `audio-start`, `audio-chunk`…, `audio-stop`  | …as above                                   |
| `convert`, `audio-start`, `audio-chunk`…,    | as `synthesize`, and `reference-wanted`     |
| `audio-stop`                                 | before where that is due                    |
| `transcribe`, `audio-start`, `audio-chunk`…, | `transcript-start`, `transcript-chunk`…,    |
| `audio-stop`                                 | `transcript`, `transcript-stop`             |

Anything may be answered by `error`. What Wyoming has no field for stands under the key `stentor`.
A call has succeeded when its `-stop` event came, and only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import (
    Capabilities,
    ConversionCall,
    SpeechCall,
    Task,
    Transcript,
    TranscriptionCall,
    Word,
)
from .errors import EngineError, MalformedFrame, VersionMismatch, WireError, engine_error
from .typed import field, typed
from .wire import MAX_PAYLOAD, PROTOCOL

LoadState = Literal["loading", "ready", "failed"]
MAX_REASON = 2000
"""Characters of an error's text; exceptions quote what they choke on, however long it is."""
MAX_RATE = 768_000
"""Hz: no audio has more."""
_OBJECT = Mapping[str, Any]
_DOMAINS: Mapping[Task, str] = {"speech": "tts", "transcription": "asr"}
"""Wyoming's, of its programs; it has none that convert."""


@dataclass(frozen=True)
class Info:
    """What a worker says of itself: `capabilities` when it is ready, `error` when it failed;
    `retryable`: it found no memory. A worker of an older SDK says nothing of that.
    """

    engine: str
    state: LoadState
    capabilities: Capabilities | None = None
    error: str | None = None
    retryable: bool = False


def describe_event() -> Event:
    return Event("describe", {"stentor": {"protocol": PROTOCOL}})


def info_event(info: Info) -> Event:
    """Also a valid Wyoming `info`, so that foreign clients can list a ready worker."""
    data: dict[str, Any] = {"stentor": {"protocol": PROTOCOL, **asdict(info)}}
    if info.capabilities is not None and info.capabilities.task in _DOMAINS:
        domain = _DOMAINS[info.capabilities.task]
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
    info: Info = typed(Info, extension(expect(event, "info")))
    if info.capabilities is not None:
        _check(info.capabilities)
    elif info.state == "ready":
        raise MalformedFrame("an engine that is ready has capabilities")
    return info


def _check(capabilities: Capabilities) -> None:
    amounts = {
        "sample_rate": capabilities.sample_rate,
        "max_chars": capabilities.max_chars,
        "window": capabilities.window,
        "parallel": capabilities.parallel,
    }
    for name, amount in amounts.items():
        if amount <= 0:
            raise MalformedFrame(f"capabilities: '{name}' is {amount}")
    if capabilities.sample_rate > MAX_RATE:
        raise MalformedFrame(f"capabilities: 'sample_rate' is {capabilities.sample_rate}")
    slowest, fastest = capabilities.speed or (1.0, 1.0)
    if not 0 < slowest <= fastest:
        raise MalformedFrame(f"capabilities: 'speed' is from {slowest} to {fastest}")


def pong_event(ping: Event, memory: Mapping[str, int]) -> Event:
    """`memory`: bytes of GPUs, by device."""
    return Event("pong", {**ping.data, "stentor": {"protocol": PROTOCOL, "memory": dict(memory)}})


def parse_pong(event: Event) -> dict[str, int]:
    """The memory that it tells of."""
    memory: _OBJECT = field(extension(expect(event, "pong")), "memory", _OBJECT, {})
    return {str(device): field(memory, device, int) for device in memory}


def synthesize_event(call: SpeechCall) -> Event:
    data: dict[str, Any] = {"text": call.text, **_voice_data(call.voice)}
    data["stentor"] = {
        "protocol": PROTOCOL,
        "language": call.language,
        "speed": call.speed,
        "seed": call.seed,
        "instructions": call.instructions,
        "reference": call.reference and call.reference.id,
        "options": dict(call.options),
    }
    return Event("synthesize", data)


def _voice_data(voice: str | None) -> dict[str, Any]:
    return {} if voice is None else {"voice": {"name": voice}}


def parse_reference_id(event: Event) -> str | None:
    """Of the reference that a request names: it travels only where it is not known."""
    named: str | None = field(extension(event), "reference", str, None)
    return named


def parse_synthesize(event: Event) -> SpeechCall:
    """Without its reference, and with unchecked options: `complete_options` knows them."""
    data, extra = event.data, extension(event)
    voice = field(data, "voice", _OBJECT, {})
    return SpeechCall(
        text=field(data, "text", str),
        voice=field(voice, "name", str, None),
        language=field(extra, "language", str, None) or field(voice, "language", str, None),
        speed=field(extra, "speed", float, 1.0),
        seed=field(extra, "seed", int, 0),
        instructions=field(extra, "instructions", str, None),
        options=field(extra, "options", _OBJECT, {}),
    )


def audio_start_event(rate: int) -> Event:
    return Event("audio-start", _format(rate))


def parse_audio_start(event: Event) -> int:
    """The rate of the audio that follows, in Hz."""
    rate: int = field(event.data, "rate", int)
    if rate <= 0:
        raise MalformedFrame(f"a rate of {rate} Hz")
    _expect_format(event, rate)
    return rate


def audio_chunk_event(rate: int, pcm: bytes, words: Sequence[Word] = ()) -> Event:
    """`pcm` is s16le mono; `words` start no earlier than this chunk, or were due with it."""
    data = _format(rate)
    if words:
        data["stentor"] = {"words": [asdict(word) for word in words]}
    return Event("audio-chunk", data, pcm)


def parse_audio_chunk(event: Event, rate: int) -> tuple[NDArray[np.int16], tuple[Word, ...]]:
    """int16 samples, shape (n,), and the words that came with them."""
    _expect_format(event, rate)
    payload = event.payload or b""
    if len(payload) % 2:
        raise MalformedFrame("half a sample")
    samples = np.frombuffer(payload, np.dtype("<i2")).astype(np.int16, copy=False)
    return samples, field(extension(event), "words", tuple[Word, ...], ())


def _expect_format(event: Event, rate: int) -> None:
    if any(field(event.data, name, int) != value for name, value in _format(rate).items()):
        raise MalformedFrame(f"audio is not s16le mono at {rate} Hz")


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
        "task": call.task,
        "words": call.words,
        "options": dict(call.options),
    }
    return Event("transcribe", data)


def parse_transcribe(event: Event, audio: NDArray[np.float32]) -> TranscriptionCall:
    """The options are unchecked: `complete_options` knows them."""
    extra = extension(event)
    return TranscriptionCall(
        audio=audio,
        language=field(event.data, "language", str, None),
        prompt=field(extra, "prompt", str, None),
        temperature=field(extra, "temperature", float, 0.0),
        task=field(extra, "task", Literal["transcribe", "translate"], "transcribe"),
        words=field(extra, "words", bool, False),
        options=field(extra, "options", _OBJECT, {}),
    )


def convert_event(call: ConversionCall) -> Event:
    """Without the audio, which follows in events of its own."""
    data = _voice_data(call.voice)
    data["stentor"] = {
        "protocol": PROTOCOL,
        "seed": call.seed,
        "reference": call.reference and call.reference.id,
        "options": dict(call.options),
    }
    return Event("convert", data)


def parse_convert(event: Event, audio: NDArray[np.float32]) -> ConversionCall:
    """Without its reference, and with unchecked options: `complete_options` knows them."""
    extra = extension(event)
    return ConversionCall(
        audio=audio,
        voice=field(field(event.data, "voice", _OBJECT, {}), "name", str, None),
        seed=field(extra, "seed", int, 0),
        options=field(extra, "options", _OBJECT, {}),
    )


def transcript_chunk_event(transcript: Transcript) -> Event:
    # asdict copies in depth, and not every Mapping can be copied so.
    extra = asdict(replace(transcript, details={})) | {"details": dict(transcript.details)}
    return Event("transcript-chunk", {"text": transcript.text, "stentor": extra})


def parse_transcript_chunk(event: Event) -> Transcript:
    transcript: Transcript = typed(Transcript, extension(event))
    return transcript


def error_event(error: EngineError | WireError) -> Event:
    return Event("error", {"text": str(error)[:MAX_REASON], "code": error.code})


def parse_error(event: Event) -> EngineError:
    text = field(event.data, "text", str, "")[:MAX_REASON]
    return engine_error(field(event.data, "code", str, EngineError.code), text)


def extension(event: Event) -> dict[str, Any]:
    """A copy of our own fields; raises VersionMismatch when they are of another protocol."""
    extra: dict[str, Any] = field(event.data, "stentor", _OBJECT, {})
    version: int = field(extra, "protocol", int, PROTOCOL)
    if version != PROTOCOL:
        raise VersionMismatch(f"the other end speaks protocol {version}, this one {PROTOCOL}")
    return extra


def expect(event: Event, *types: str) -> Event:
    """The event, when it is of one of the types; raises what an `error` event says."""
    if event.type == "error" and "error" not in types:
        raise parse_error(event)
    if event.type not in types:
        raise MalformedFrame(f"'{event.type}' came where {' or '.join(types)} was due")
    return event


def _format(rate: int) -> dict[str, Any]:
    return {"rate": rate, "width": 2, "channels": 1}
