"""A client's wishes, as an engine takes them; and the names of languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.errors import InvalidRequest
from stentor.pipelines.fit import fit_transcription, ignored_hints
from stentor.pipelines.spoken import Spoken
from stentor.text.language_tags import alike, closest, language_name, language_tag
from stentor.types import Segment, TranscriptionRequest
from stentor_engine import Capabilities, Option

PLAIN = Capabilities(task="transcription", sample_rate=16_000)
WISH = TranscriptionRequest("m")


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("en", "en"),
        (" EN ", "en"),
        ("en_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("eng", "en"),
        ("iw", "he"),
        ("jw", "jv"),
        ("yue", "yue"),
        ("prs", "fa"),
        ("English", "en"),
        ("HAITIAN CREOLE", "ht"),
        ("Brazilian Portuguese", "pt-BR"),
    ],
)
def test_names_of_languages(given: str, tag: str) -> None:
    assert language_tag(given) == tag
    assert language_tag(tag) == tag
    assert language_name(tag)


@pytest.mark.parametrize(
    "given", ["", "e", "xx", "zzz", "und", "mul", "zxx", "mis", "Unknown language", "en-", "en--us"]
)
def test_what_is_no_language(given: str) -> None:
    assert language_tag(given) is None


@given(st.text() | st.from_regex(r"[a-zA-Z]{1,4}([-_][a-zA-Z0-9]{1,5}){0,3}"))
def test_any_text_is_a_language_or_none(text: str) -> None:
    tag = language_tag(text)
    assert tag is None or (language_tag(tag) == tag and language_name(tag))


def test_the_engines_own_tag() -> None:
    assert closest("en", ["en-US", "en-GB", "de"]) == "en-US"
    assert closest("en-GB", ["en-US", "en-gb", "de"]) == "en-gb"
    assert closest("jv", ["jw"]) == "jw"  # as Whisper calls it
    assert closest("fr", ["en"]) is None
    assert alike("he-IL", "iw")
    called = fit_transcription(
        replace(WISH, language="Javanese"), replace(PLAIN, languages=("en", "jw"))
    )
    assert called.language == "jw"


@pytest.mark.parametrize(
    ("wish", "capabilities", "call"),
    [
        ({}, {}, {"language": None, "task": "transcribe", "words": False, "prompt": None}),
        ({}, {"languages": ("en",)}, {"language": "en"}),
        ({}, {"languages": ("en-US", "en-GB")}, {"language": "en"}),
        ({}, {"languages": ("en", "de")}, {"language": None}),
        ({"language": "en-AU"}, {"languages": ("en",)}, {"language": "en"}),
        ({"language": "en-AU"}, {}, {"language": "en-AU"}),
        ({"languages": ("fr", "de")}, {"languages": ("en", "de")}, {"language": "de"}),
        ({"languages": ("fr", "de")}, {"detects_language": True}, {"language": None}),
        ({"words": "possible"}, {}, {"words": False}),
        ({"words": "possible"}, {"word_times": True}, {"words": True}),
        ({"words": "required"}, {"word_times": True}, {"words": True}),
        ({"words": "none"}, {"word_times": True}, {"words": False}),
        ({"prompt": "a"}, {}, {"prompt": None}),
        ({"prompt": "a"}, {"prompts": True}, {"prompt": "a"}),
        ({"keywords": ("b", "c")}, {"prompts": True}, {"prompt": "b, c"}),
        ({"task": "translate"}, {"translates": True}, {"task": "translate"}),
        ({"temperature": 0.5}, {}, {"temperature": 0.5}),
    ],
)
def test_what_an_engine_is_told(
    wish: dict[str, Any], capabilities: dict[str, Any], call: dict[str, Any]
) -> None:
    fitted = fit_transcription(replace(WISH, **wish), replace(PLAIN, **capabilities))
    assert {name: getattr(fitted, name) for name in call} == call


@pytest.mark.parametrize(
    ("wish", "capabilities", "param"),
    [
        ({"task": "translate"}, {}, "model"),
        ({"words": "required"}, {}, "timestamp_granularities"),
        ({"language": "none of these"}, {}, "language"),
        ({"language": "de"}, {"languages": ("en",)}, "language"),
        ({"languages": ("de", "fr")}, {"languages": ("en",)}, "languages"),
        ({"languages": ("de", "fr")}, {}, "languages"),
        ({"language": "de", "languages": ("fr",)}, {}, "language"),
        ({"options": {"beam": 1}}, {}, "options"),
        (
            {"options": {"beam": 99}},
            {"options": (Option("beam", "integer", 5, "", 1, 9),)},
            "options",
        ),
    ],
)
def test_what_an_engine_cannot_do(
    wish: dict[str, Any], capabilities: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        fit_transcription(replace(WISH, **wish), replace(PLAIN, **capabilities))
    assert refused.value.param == param


def test_hints_without_a_use() -> None:
    hints = replace(WISH, prompt="a", keywords=("b",))
    assert ignored_hints(hints, PLAIN) == ("prompt", "keywords")
    assert ignored_hints(hints, replace(PLAIN, prompts=True)) == ()
    assert ignored_hints(WISH, PLAIN) == ()


def test_the_language_that_is_spoken_most() -> None:
    spoken = Spoken.of(WISH, None, replace(PLAIN, detects_language=True))
    assert (spoken.language, spoken.source) == (None, None)
    for seconds, language in ((3.0, "de"), (5.0, "en-US"), (3.0, "de-AT"), (9.0, None)):
        spoken.hear(Segment("a", 0.0, seconds, language=language))
    assert spoken.languages == ("de", "en")
    assert (spoken.language, spoken.source) == ("de", "detected")


def test_what_an_engine_says_that_cannot_tell_is_not_believed() -> None:
    spoken = Spoken.of(WISH, None, PLAIN)
    spoken.hear(Segment("a", 0.0, 1.0, language="en"))
    assert (spoken.language, spoken.source, spoken.languages) == (None, None, ())
