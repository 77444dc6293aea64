"""A client's wishes, as one engine takes them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from stentor.backends.base import Backend
from stentor.errors import InvalidRequest, ModelUnavailable
from stentor.text.language_tags import alike, closest, language_tag, primary
from stentor.types import TranscriptionRequest
from stentor.voices.resolve import resolve_voice
from stentor_engine import (
    Capabilities,
    InvalidCall,
    OptionValue,
    SpeechCall,
    TranscriptionCall,
    complete_options,
)

Wish = TypeVar("Wish")
Call = TypeVar("Call")


def fit_speech(wish: SpeechCall, capabilities: Capabilities) -> SpeechCall:
    """With the id of a voice, the engine's own tag of the language, the nearest speed that it
    takes, and a value for every option; without instructions that it would not follow. `wish` has
    the client's own voice name, and only the options that it gave. Raises InvalidRequest for what
    the engine cannot do.
    """
    if wish.reference is not None and capabilities.reference is None:
        raise InvalidRequest(
            "this model cannot take on the voice of a recording", param="reference_audio"
        )
    slowest, fastest = capabilities.speed or (1.0, 1.0)
    return replace(
        wish,
        speed=min(max(wish.speed, slowest), fastest),
        instructions=wish.instructions if capabilities.instructions else None,
        language=wish.language
        and (closest(wish.language, capabilities.languages) or wish.language),
        voice=resolve_voice(wish.voice, capabilities, language=wish.language),
        options=_options(wish, capabilities),
    )


def fit_transcription(wish: TranscriptionRequest, capabilities: Capabilities) -> TranscriptionCall:
    """Still without its audio, with the engine's own tag of the language, if that is known, and a
    value for every option; without a prompt that would not guide it. Raises InvalidRequest for what
    the engine cannot do.
    """
    if wish.task == "translate" and not capabilities.translates:
        raise InvalidRequest(
            "this model does not translate: name one that does, or ask for a transcription",
            param="model",
        )
    if wish.words == "required" and not capabilities.word_times:
        raise InvalidRequest(
            "this model does not tell when words are said", param="timestamp_granularities"
        )
    return TranscriptionCall(
        audio=np.zeros(0, np.float32),
        language=_language(wish, capabilities),
        prompt=_prompt(wish) if capabilities.prompts else None,
        temperature=wish.temperature,
        task=wish.task,
        words=wish.words != "none" and capabilities.word_times,
        options=_options(wish, capabilities),
    )


def ignored_hints(wish: TranscriptionRequest, capabilities: Capabilities) -> tuple[str, ...]:
    """The names of the hints that this engine has no use for."""
    hints = {"prompt": wish.prompt, "keywords": wish.keywords}
    return () if capabilities.prompts else tuple(name for name, hint in hints.items() if hint)


def _prompt(wish: TranscriptionRequest) -> str | None:
    return " ".join(filter(None, (wish.prompt, ", ".join(wish.keywords)))) or None


def _language(wish: TranscriptionRequest, capabilities: Capabilities) -> str | None:
    """The one that is given, or the only one that is possible."""
    possible = [_tag(language, "languages") for language in wish.languages]
    if wish.language:
        language = _tag(wish.language, "language")
        if possible and not any(alike(language, other) for other in possible):
            raise InvalidRequest(f"'{language}' is not among the languages", param="language")
        return _heard([language], capabilities, "language")[0]
    if not possible:
        known = list(dict.fromkeys(primary(tag) for tag in capabilities.languages))
        return known[0] if len(known) == 1 else None
    heard = _heard(possible, capabilities, "languages")
    if len({primary(tag) for tag in heard}) == 1:
        return heard[0]
    if not capabilities.detects_language:
        raise InvalidRequest(
            "this model cannot tell languages apart: name one as `language`", param="languages"
        )
    return None


def _heard(tags: list[str], capabilities: Capabilities, param: str) -> list[str]:
    """Those of the tags that the engine hears, as it writes them. Raises InvalidRequest."""
    known = capabilities.languages
    if not known:
        return tags
    heard = [own for tag in tags if (own := closest(tag, known)) is not None]
    if not heard:
        raise InvalidRequest(
            f"this model hears {', '.join(sorted(known))}, not {', '.join(tags)}", param=param
        )
    return heard


def _tag(given: str, param: str) -> str:
    tag = language_tag(given)
    if tag is None:
        raise InvalidRequest(f"'{given}' is no language", param=param)
    return tag


def fitting(
    fit: Callable[[Wish, Capabilities], Call],
    wish: Wish,
    capabilities: Capabilities,
    backend: Backend,
) -> Call:
    """The wish as this backend takes it. It was good for the model's first backend: if it is not
    for this one, that is no mistake of the client's, and ModelUnavailable is raised.
    """
    try:
        return fit(wish, capabilities)
    except InvalidRequest as error:
        raise ModelUnavailable(f"backend '{backend.name}' cannot do it: {error}") from error


def _options(
    wish: SpeechCall | TranscriptionRequest, capabilities: Capabilities
) -> dict[str, OptionValue]:
    try:
        return complete_options(capabilities.options, wish.options)
    except InvalidCall as error:
        raise InvalidRequest(str(error), param="options") from error
