"""What a Wyoming server says of itself, as capabilities. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wyoming.event import Event

from stentor.config import ServedBackendConfig
from stentor.errors import ModelUnavailable
from stentor_engine import Capabilities, Voice
from stentor_engine.errors import MalformedFrame
from stentor_engine.typed import field

HEARS = 16_000
"""Hz of the audio that is sent: what all such servers take."""
SPEAKS = 22_050
"""Hz that speech is taken to have before its first event told."""


@dataclass(frozen=True)
class Told:
    """`voices`: by our ids, how each is asked for."""

    capabilities: Capabilities
    voices: Mapping[str, Mapping[str, str]]


def told(info: Event, config: ServedBackendConfig, name: str) -> Told:
    """`name`: of our model, for errors. Raises ModelUnavailable, MalformedFrame."""
    speech = list(_artifacts(info, "tts", "voices"))
    hearing = list(_artifacts(info, "asr", "models"))
    task = _task(config, speaks=bool(speech), hears=bool(hearing), name=name)
    voices = dict(_voices(speech)) if task == "speech" else {}
    known = {voice: each for voice, each in voices.items() if _wanted(voice, config)}
    listed = (tuple(_strings(each, "languages")) for each in (speech if voices else hearing))
    languages = tuple(config.languages) or tuple(dict.fromkeys(t for each in listed for t in each))
    capabilities = Capabilities(
        task=task,
        sample_rate=(config.sample_rate or SPEAKS) if task == "speech" else HEARS,
        languages=languages,
        voices=tuple(_ordered([voice for voice, _ in known.values()], config)),
        streaming=True,
        max_chars=config.max_chars,
        window=config.window,
        detects_language=False,
        parallel=config.max_parallel,
    )
    return Told(capabilities, {voice: asked for voice, (_, asked) in known.items()})


def _task(
    config: ServedBackendConfig, *, speaks: bool, hears: bool, name: str
) -> Literal["speech", "transcription"]:
    able = {"speech": speaks, "transcription": hears}
    if config.task is not None:
        if able[config.task]:
            return config.task
        raise ModelUnavailable(f"the server of '{name}' offers nothing for the task {config.task}")
    if speaks and hears:
        raise ModelUnavailable(f"the server of '{name}' both speaks and hears: configure its task")
    if not (speaks or hears):
        raise ModelUnavailable(f"the server of '{name}' neither speaks nor hears")
    return "speech" if speaks else "transcription"


def _artifacts(info: Event, domain: str, kind: str) -> Iterator[Mapping[str, Any]]:
    """Voices or models that are installed, of programs that are."""
    for program in field(info.data, domain, tuple[Mapping[str, Any], ...], ()):
        if program.get("installed", True):
            for each in field(program, kind, tuple[Mapping[str, Any], ...], ()):
                if each.get("installed", True):
                    yield each


def _voices(
    listed: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, tuple[Voice, Mapping[str, str]]]]:
    """Of a voice with several speakers each is a voice of its own: `voice:speaker`."""
    for each in listed:
        name = field(each, "name", str)
        title = field(each, "description", str | None, None) or name
        languages = tuple(_strings(each, "languages"))
        speakers = field(each, "speakers", tuple[Mapping[str, Any], ...] | None, None) or ()
        if len(speakers) < 2:
            yield name, (Voice(name, title, languages), {"name": name})
            continue
        for speaker in (field(speaker, "name", str) for speaker in speakers):
            voice = f"{name}:{speaker}"
            named = Voice(voice, f"{title}, {speaker}", languages)
            yield voice, (named, {"name": name, "speaker": speaker})


def _wanted(voice: str, config: ServedBackendConfig) -> bool:
    return not config.voices or voice in config.voices


def _ordered(voices: list[Voice], config: ServedBackendConfig) -> list[Voice]:
    if not config.voices:
        return voices
    return sorted(voices, key=lambda voice: config.voices.index(voice.id))


def _strings(value: Mapping[str, Any], name: str) -> Iterator[str]:
    try:
        yield from field(value, name, tuple[str, ...], ())
    except MalformedFrame:
        return  # a hint, which it may leave empty in its own way
