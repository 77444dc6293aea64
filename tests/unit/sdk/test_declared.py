"""What is said of capabilities that are not as they should be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from stentor_engine import Capabilities, Option, Voice
from stentor_engine.declared import declared
from stentor_engine.errors import LoadFailed


def engine(**given: Any) -> Any:
    fields: dict[str, Any] = {"task": "speech", "sample_rate": 24_000} | given
    return SimpleNamespace(capabilities=Capabilities(**fields))


def test_none_are_told() -> None:
    with pytest.raises(LoadFailed, match=r"does not set `self.capabilities = Capabilities\(...\)`"):
        declared(SimpleNamespace())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"task": "tts"}, """task = 'tts', which has to be "speech", "transcription" or"""),
        ({"sample_rate": 24_000.0}, "sample_rate = 24000.0, which has to be int"),
        ({"languages": "en"}, r"languages = 'en', which has to be tuple\[str, ...\]"),
        ({"voices": ("low",)}, r"voices = \('low',\), which has to be tuple\[Voice, ...\]"),
        ({"options": ("wpm",)}, r"options = \('wpm',\), which has to be tuple\[Option, ...\]"),
        ({"options": (Option("wpm", "int", 20, ""),)}, r"\('type': a str is of a wrong type\)"),  # type: ignore[arg-type]
        ({"speed": 1.0}, "speed = 1.0, which has to be"),
        ({"languages": ("en",) * 99 + (1,)}, r"languages = \('en', .*…, which has to be"),
    ],
)
def test_what_is_of_a_wrong_type_is_told_with_its_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(LoadFailed, match=told):
        declared(engine(**given))


def test_lists_are_as_good_as_tuples() -> None:
    given = engine(languages=["en"], voices=[Voice("low", "Low", ("en",))], speed=[0.5, 2.0])
    assert declared(given) is given.capabilities
