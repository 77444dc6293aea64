"""Which of a model's own voices a client's voice name means. Pure."""

from __future__ import annotations

from stentor.errors import VoiceNotFound
from stentor_engine import Capabilities, Voice

OPENAI_VOICES = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx",
    "nova", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip
"""The names that every OpenAI client offers: distinct voices wherever the model has several."""


def resolve_voice(
    name: str | None, capabilities: Capabilities, *, language: str | None = None
) -> str | None:
    """The id of a voice, or None where the model has no voices to choose from.

    An OpenAI name falls on one of the voices that speak the language (default: the language of the
    model's first voice). Raises VoiceNotFound.
    """
    voices = capabilities.voices
    if any(voice.id == name for voice in voices):
        return name
    if not name or name == "default":
        return _speaking(voices, language)[0].id if voices else None
    if name in OPENAI_VOICES:
        candidates = _speaking(voices, language)
        return candidates[OPENAI_VOICES.index(name) % len(candidates)].id if voices else None
    raise VoiceNotFound(
        f"no voice '{name}'; GET /v1/audio/voices lists what there is", param="voice"
    )


def _speaking(voices: tuple[Voice, ...], language: str | None) -> tuple[Voice, ...]:
    """The voices for the language, exact tags first; all of them if none speaks it."""
    if not voices:
        return ()
    wanted = (language or next(iter(voices[0].languages), "")).lower()
    primary = wanted.split("-")[0]
    tags = {voice.id: [tag.lower() for tag in voice.languages] for voice in voices}
    alike = [v for v in voices if any(t.split("-")[0] == primary for t in tags[v.id])]
    alike.sort(key=lambda voice: wanted not in tags[voice.id])
    return tuple(alike) or voices
