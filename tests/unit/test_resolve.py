from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.errors import InvalidRequest, VoiceNotFound
from stentor.voices.resolve import OPENAI_VOICES, openai_voices, resolve_voice
from stentor_engine import Capabilities, Voice

VOICES = (
    Voice("us", "American", ("en-us", "en")),
    Voice("de", "German", ("de",)),
    Voice("gb", "British", ("en-gb", "en")),
    Voice("nova", "a voice of that name", ("fr-be", "fr")),
    Voice("pt", "Portuguese", ("pt-PT", "pt")),
    Voice("cmn", "Mandarin", ("cmn", "zh")),
)
MANY = Capabilities("speech", 24_000, voices=VOICES)
NONE = Capabilities("speech", 24_000)
UNTOLD = Capabilities("speech", 24_000, voices=(Voice("a", "A"), Voice("b", "B")))
NAMES = st.sampled_from(list(OPENAI_VOICES))


@pytest.mark.parametrize(
    ("name", "language", "voice"),
    [
        ("de", None, "de"),
        ("de", "en", "de"),
        ("de", "xx", "de"),
        ("nova", None, "nova"),
        (None, None, "us"),
        ("", None, "us"),
        (None, "", "us"),
        ("default", "de", "de"),
        (None, "en-gb", "gb"),
        (None, "en_GB", "gb"),
        (None, "en", "us"),
        (None, "en-au", "us"),
        (None, "pt-br", "pt"),
        (None, "zh-Hans-CN", "cmn"),
        (None, "cmn", "cmn"),
        (None, "German", "de"),
        ("alloy", None, "us"),
        ("ash", None, "gb"),
        ("ash", "en-us", "us"),
        ("ash", "de", "de"),
    ],
)
def test_names(name: str | None, language: str | None, voice: str) -> None:
    assert resolve_voice(name, MANY, language=language) == voice


@pytest.mark.parametrize("name", [None, "default", "alloy"])
@pytest.mark.parametrize("language", ["xx", "es", "d", "no-such-language"])
def test_a_language_is_never_spoken_by_another_ones_voice(name: str | None, language: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve_voice(name, MANY, language=language)
    assert refused.value.param == "language"
    assert not isinstance(refused.value, VoiceNotFound)


@pytest.mark.parametrize("language", [None, "xx"])
def test_voices_without_languages_speak_what_the_model_does(language: str | None) -> None:
    assert resolve_voice("alloy", UNTOLD, language=language) == "a"
    told = Capabilities("speech", 24_000, voices=UNTOLD.voices, languages=("en", "de"))
    assert resolve_voice("ash", told, language="de-AT") == "b"
    with pytest.raises(InvalidRequest):
        resolve_voice("ash", told, language="fr")


def test_beside_voices_with_languages_they_speak_the_other_ones() -> None:
    mixed = Capabilities("speech", 24_000, voices=(*VOICES, *UNTOLD.voices))
    assert resolve_voice(None, mixed, language="es") == "a"
    assert resolve_voice(None, mixed, language="de") == "de"


def test_a_model_without_voices_takes_the_names_that_everyone_sends() -> None:
    assert resolve_voice("alloy", NONE) is None
    assert resolve_voice(None, NONE, language="xx") is None
    with pytest.raises(InvalidRequest):
        resolve_voice(None, Capabilities("speech", 24_000, languages=("en",)), language="de")


@pytest.mark.parametrize("name", ["nobody", "../de", "DE"])
def test_unknown(name: str) -> None:
    with pytest.raises(VoiceNotFound):
        resolve_voice(name, MANY)


def voices(genders: str) -> list[Voice]:
    """A voice for each letter: f, m, or unknown."""
    known: dict[str, Literal["female", "male"]] = {"f": "female", "m": "male"}
    return [Voice(f"{g}{at}", g, gender=known.get(g)) for at, g in enumerate(genders)]


@pytest.mark.parametrize(
    ("genders", "meant"),
    [
        ("m", ["m0", "m0", "m0", "m0"]),
        ("mf", ["f1", "m0", "m0", "f1"]),
        ("ff", ["f0", "f1", "f0", "f1"]),
        ("mm?", ["?2", "m0", "m1", "?2"]),
        ("mmmff", ["f3", "m0", "m1", "f4"]),
        ("?fmf?m", ["f1", "m2", "m5", "f3"]),
    ],
)
def test_names_have_genders(genders: str, meant: list[str]) -> None:
    chosen = openai_voices(voices(genders))
    assert [chosen[name].id for name in ("alloy", "ash", "ballad", "coral")] == meant


@given(st.text("fm?", min_size=1, max_size=30))
def test_names_are_distinct_as_far_as_there_are_voices(genders: str) -> None:
    chosen = openai_voices(voices(genders))
    assert list(chosen) == list(OPENAI_VOICES)
    assert len({voice.id for voice in chosen.values()}) == min(len(genders), len(OPENAI_VOICES))


@given(st.text("fm?", min_size=1, max_size=30), st.lists(NAMES))
def test_a_name_means_the_same_whatever_was_asked_before(genders: str, asked: list[str]) -> None:
    model = Capabilities("speech", 24_000, voices=tuple(voices(genders)))
    chosen = openai_voices(model.voices)
    assert [resolve_voice(name, model) for name in asked] == [chosen[n].id for n in asked]


@given(st.text("fm?", min_size=1, max_size=30))
def test_a_name_takes_the_other_gender_only_where_its_own_is_used_up(genders: str) -> None:
    chosen = openai_voices(voices(genders))
    for name, gender in OPENAI_VOICES.items():
        if chosen[name].gender not in (None, gender):
            own = {v.id for v in voices(genders) if v.gender == gender}
            assert own <= {voice.id for voice in chosen.values()}


def test_a_mix_of_voices_where_the_model_takes_one() -> None:
    voices = (Voice("a", "A"), Voice("b", "B"))
    plain = Capabilities("speech", 24_000, voices=voices)
    with pytest.raises(VoiceNotFound):
        resolve_voice("a(2)+b", plain)
    mixing = replace(plain, blends=True)
    assert resolve_voice("a(2)+b", mixing) == "a(2)+b"
    with pytest.raises(VoiceNotFound, match="'c'"):
        resolve_voice("a+c", mixing)


def test_where_voices_are_not_known_a_name_is_taken_as_it_is() -> None:
    unknown = Capabilities("speech", 24_000, open_voices=True)
    assert resolve_voice("ash", unknown) == "ash"
    assert resolve_voice("their_own", unknown) == "their_own"
    assert resolve_voice(None, unknown) is None
