"""Which of a model's own voices a client's voice name means. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from stentor.errors import InvalidRequest, VoiceNotFound
from stentor.text.language_tags import language_tag
from stentor_engine import Capabilities, Voice, parse_blend

OPENAI_VOICES: Mapping[str, Literal["female", "male"]] = {
    "alloy": "female",
    "ash": "male",
    "ballad": "male",
    "coral": "female",
    "echo": "male",
    "fable": "male",
    "onyx": "male",
    "nova": "female",
    "sage": "female",
    "shimmer": "female",
    "verse": "male",
    "marin": "female",
    "cedar": "male",
}
"""The names that every OpenAI client offers, as those voices are generally heard."""


def resolve_voice(
    name: str | None, capabilities: Capabilities, *, language: str | None = None
) -> str | None:
    """The id of a voice, or None where the model has no voices to choose from.

    A voice of the model's own is taken as it is. An OpenAI name falls on one of the voices that
    speak the language (default: the language of the model's first voice). Raises VoiceNotFound,
    and InvalidRequest for a language that nothing of the model speaks. Where voices are not known,
    every name is taken as it is.
    """
    if any(voice.id == name for voice in capabilities.voices):
        return name
    if name and capabilities.blends and (blend := parse_blend(name)) is not None:
        return _blended(name, blend, capabilities)
    if name and capabilities.open_voices:
        return name
    voices = _speaking(capabilities, language or "")
    if not name or name == "default":
        return voices[0].id if voices else None
    if name.lower() in OPENAI_VOICES:
        return openai_voices(voices)[name.lower()].id if voices else None
    raise VoiceNotFound(
        f"no voice '{name}'; GET /v1/audio/voices lists what there is", param="voice"
    )


def _blended(name: str, blend: Iterable[str], capabilities: Capabilities) -> str:
    known = {voice.id for voice in capabilities.voices}
    if unknown := [voice for voice in blend if voice not in known]:
        raise VoiceNotFound(f"no voice '{unknown[0]}' to mix", param="voice")
    return name


def openai_voices(voices: Sequence[Voice]) -> dict[str, Voice]:
    """From each of OpenAI's names to one of the voices (at least one): distinct ones as long as
    there are enough, of the name's gender as long as there are such.
    """
    uses: Counter[str] = Counter()
    chosen: dict[str, Voice] = {}
    for name, gender in OPENAI_VOICES.items():
        unused = [voice for voice in voices if not uses[voice.id]]
        chosen[name] = min(
            unused or voices, key=lambda voice: (_unlike(voice, gender), uses[voice.id])
        )
        uses[chosen[name].id] += 1
    return chosen


def _unlike(voice: Voice, gender: str) -> int:
    """0: of that gender; 1: it may be; 2: it is not."""
    if voice.gender is None:
        return 1
    return 0 if voice.gender == gender else 2


def _speaking(capabilities: Capabilities, language: str) -> Sequence[Voice]:
    """The voices for a language, the best ones first; "": that of the first voice, wherever it is
    spoken. Voices that tell no languages are taken to speak what the model does.
    """
    voices = capabilities.voices
    if not language:
        return _alike(voices, next((t for v in voices[:1] for t in _tags(v.languages)), ""))
    told = any(voice.languages for voice in voices)
    for wanted in _tags(filter(None, (language, language_tag(language)))):
        if told and (found := _exact(voices, wanted) or _alike(voices, wanted)):
            return found
        if not told and _primary(wanted) in map(_primary, _tags(capabilities.languages)):
            return voices
    silent = [voice for voice in voices if not voice.languages]
    if silent if told else not capabilities.languages:
        return silent
    raise InvalidRequest(f"this model does not speak '{language}'", param="language")


def _exact(voices: Sequence[Voice], wanted: str) -> list[Voice]:
    """With the tag, or else with the nearest one that says less: `zh` for `zh-hans-cn`."""
    while wanted:
        found = [voice for voice in voices if wanted in _tags(voice.languages)]
        if found:
            return sorted(found, key=lambda voice: _tags(voice.languages).index(wanted))
        wanted = wanted.rpartition("-")[0]
    return []


def _alike(voices: Sequence[Voice], wanted: str) -> list[Voice]:
    """Of the language, wherever it is spoken; the tag itself first."""
    tags = {voice.id: _tags(voice.languages) for voice in voices}
    primary = _primary(wanted)
    found = [v for v in voices if not wanted or primary in map(_primary, tags[v.id])]
    return sorted(found, key=lambda voice: wanted not in tags[voice.id])


def _tags(tags: Iterable[str]) -> list[str]:
    return [_tag(tag) for tag in tags]


def _tag(tag: str) -> str:
    return tag.strip().lower().replace("_", "-")


def _primary(tag: str) -> str:
    return tag.partition("-")[0]
