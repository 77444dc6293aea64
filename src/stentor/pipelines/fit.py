"""A client's wishes, as one engine takes them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from stentor.backends.base import Backend
from stentor.errors import InvalidRequest, ModelUnavailable
from stentor.voices.resolve import resolve_voice
from stentor_engine import (
    Capabilities,
    InvalidCall,
    OptionValue,
    SpeechCall,
    TranscriptionCall,
    complete_options,
)

Wish = TypeVar("Wish", SpeechCall, TranscriptionCall)


def fit_speech(wish: SpeechCall, capabilities: Capabilities) -> SpeechCall:
    """With the id of a voice, and a value for every option; raises InvalidRequest for what the
    engine cannot do. `wish` has the client's own voice name, and only the options that it gave.
    """
    slowest, fastest = capabilities.speed or (1.0, 1.0)
    if not slowest <= wish.speed <= fastest:
        raise InvalidRequest(
            f"this model speaks at speeds from {slowest:g} to {fastest:g}", param="speed"
        )
    return replace(
        wish,
        voice=resolve_voice(wish.voice, capabilities, language=wish.language),
        options=_options(wish, capabilities),
    )


def fit_transcription(wish: TranscriptionCall, capabilities: Capabilities) -> TranscriptionCall:
    """With the only language there is, and a value for every option; raises InvalidRequest."""
    language = wish.language or None
    known = {tag.split("-")[0].lower() for tag in capabilities.languages}
    if language is not None and known and language.split("-")[0].lower() not in known:
        raise InvalidRequest(
            f"this model hears {', '.join(sorted(known))}, not '{language}'", param="language"
        )
    if language is None and len(known) == 1:
        language = next(iter(known))
    return replace(wish, language=language, options=_options(wish, capabilities))


def fitting(
    fit: Callable[[Wish, Capabilities], Wish],
    wish: Wish,
    capabilities: Capabilities,
    backend: Backend,
) -> Wish:
    """The wish as this backend takes it. It was good for the model's first backend: if it is not
    for this one, that is no mistake of the client's, and ModelUnavailable is raised.
    """
    try:
        return fit(wish, capabilities)
    except InvalidRequest as error:
        raise ModelUnavailable(f"backend '{backend.name}' cannot do it: {error}") from error


def _options(
    wish: SpeechCall | TranscriptionCall, capabilities: Capabilities
) -> dict[str, OptionValue]:
    try:
        return complete_options(capabilities.options, wish.options)
    except InvalidCall as error:
        raise InvalidRequest(str(error), param="options") from error
