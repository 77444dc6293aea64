from __future__ import annotations

import pytest

from stentor.errors import VoiceNotFound
from stentor.voices.resolve import OPENAI_VOICES, resolve_voice
from stentor_engine import Capabilities, Voice

VOICES = (
    Voice("us", "American", ("en-us", "en")),
    Voice("de", "German", ("de",)),
    Voice("gb", "British", ("en-gb", "en")),
    Voice("nova", "a voice of that name", ("fr",)),
)
MANY = Capabilities("speech", 24_000, voices=VOICES)
NONE = Capabilities("speech", 24_000)


@pytest.mark.parametrize(
    ("name", "language", "voice"),
    [
        ("de", None, "de"),
        ("de", "en", "de"),
        ("nova", None, "nova"),
        (None, None, "us"),
        ("", None, "us"),
        ("default", "de", "de"),
        (None, "en-gb", "gb"),
        (None, "xx", "us"),
        ("alloy", None, "us"),
        ("ash", None, "gb"),
        ("ash", "de", "de"),
    ],
)
def test_names(name: str | None, language: str | None, voice: str) -> None:
    assert resolve_voice(name, MANY, language=language) == voice


def test_openai_names_are_distinct_as_far_as_there_are_voices() -> None:
    english = [resolve_voice(name, MANY) for name in OPENAI_VOICES if name != "nova"]
    assert set(english) == {"us", "gb"}


def test_a_model_without_voices_takes_the_names_that_everyone_sends() -> None:
    assert resolve_voice("alloy", NONE) is None
    assert resolve_voice(None, NONE) is None


@pytest.mark.parametrize("name", ["nobody", "../de", "DE"])
def test_unknown(name: str) -> None:
    with pytest.raises(VoiceNotFound):
        resolve_voice(name, MANY)
