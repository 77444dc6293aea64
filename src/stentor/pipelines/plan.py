"""What is said for a text: the calls, one by one as they are asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from stentor.errors import InvalidRequest
from stentor.pipelines.fit import fit_speech
from stentor.pipelines.key import resolve_seed, segment_key
from stentor.routing.models import Model
from stentor.text.detect import detect_language
from stentor.text.language_tags import language_tag, primary
from stentor.text.normalise import normalise
from stentor.text.segment import Boundary, TextSegment, segment
from stentor.threads import Threads
from stentor.types import SpeechRequest
from stentor.voices.reference import read_reference
from stentor_engine import Capabilities, Reference, SpeechCall

PAUSES = {
    Boundary.FORCED: 0.0,
    Boundary.CLAUSE: 0.15,
    Boundary.SENTENCE: 0.4,
    Boundary.PARAGRAPH: 0.8,
    Boundary.END: 0.1,
}
"""Seconds of silence after a segment, at speed 1."""


@dataclass(frozen=True)
class Planned:
    """A segment to be spoken, as the client wished. `pause`: seconds of silence after it."""

    wish: SpeechCall
    pause: float


def wish_for(request: SpeechRequest, text: str, capabilities: Capabilities) -> SpeechCall:
    """What the client wishes of every call, whose text is yet to come; raises InvalidRequest."""
    return SpeechCall(
        text="",
        voice=request.voice,
        language=_language(request.language, capabilities)
        or heard_language(request.voice, text, capabilities),
        speed=request.speed,
        instructions=request.instructions,
        reference=_reference(request, capabilities),
        options=request.options,
    )


def _reference(request: SpeechRequest, capabilities: Capabilities) -> Reference | None:
    given = request.reference
    return None if given is None else read_reference(given, capabilities)


def _language(given: str | None, capabilities: Capabilities) -> str | None:
    """As a tag: clients also write `English` or `EN_us`. One that only this model knows, such as a
    dialect, stays as it is. Raises InvalidRequest.
    """
    if given is None:
        return None
    own = {tag.lower() for tag in capabilities.languages}
    own |= {tag.lower() for voice in capabilities.voices for tag in voice.languages}
    if given.lower() in own:
        return given
    tag = language_tag(given)
    if tag is None:
        raise InvalidRequest(f"'{given}' is no language", param="language")
    return tag


def heard_language(voice: str | None, text: str, capabilities: Capabilities) -> str | None:
    """The language of the text where it shapes what is heard: for a model of several languages,
    unless the client chose one of its own voices or the text is in the default voice's language.
    """
    if any(own.id == voice for own in capabilities.voices):
        return None
    known = {primary(tag) for tag in capabilities.languages}
    if len(known) < 2:
        return None
    default = primary(_default(capabilities) or "") or None
    detected = detect_language(text, default=default)
    if detected is None or detected.language not in known or detected.language == default:
        return None
    return detected.language


async def plan(
    request: SpeechRequest,
    text: str,
    wish: SpeechCall,
    model: Model,
    capabilities: Capabilities,
    threads: Threads,
) -> AsyncGenerator[Planned, None]:
    """Raises InvalidRequest."""
    call = fit_speech(wish, capabilities)
    language = wish.language or spoken_language(call, capabilities)
    for piece in segment(text, language=language, max_chars=capabilities.max_chars):
        said = [piece]
        if not capabilities.normalises:
            said = await threads.run(_normalised, piece, language, capabilities.max_chars)
        for part in said:
            key = segment_key(
                replace(call, text=part.text, speed=wish.speed),
                model=model.name,
                revision=model.revision,
            )
            spoken = replace(wish, text=part.text.strip(), seed=resolve_seed(request.seed, key))
            yield Planned(spoken, PAUSES[part.boundary] / wish.speed)


def spoken_language(call: SpeechCall, capabilities: Capabilities) -> str | None:
    """The tag of the language that the voice speaks; None: not known."""
    for voice in capabilities.voices:
        if voice.id == call.voice and voice.languages:
            return voice.languages[0]
    return capabilities.languages[0] if len(capabilities.languages) == 1 else None


def _normalised(piece: TextSegment, language: str | None, max_chars: int) -> list[TextSegment]:
    """Words take more room than figures: what has become too long for a call is cut again."""
    text = normalise(piece.text.strip(), language)
    parts = list(segment(text, language=language, max_chars=max_chars, first_chars=max_chars))
    return [*parts[:-1], *(replace(part, boundary=piece.boundary) for part in parts[-1:])]


def _default(capabilities: Capabilities) -> str | None:
    """The language of the voice that speaks when nothing is asked for."""
    languages = capabilities.voices[0].languages if capabilities.voices else ()
    return languages[0] if languages else None
