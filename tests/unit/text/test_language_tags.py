from __future__ import annotations

import pytest

from stentor.text.language_tags import alike, closest


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("no", "nb", True),
        ("nb-NO", "no", True),
        ("Norwegian", "nb", True),
        ("no", "nn", False),
        ("he", "iw", True),
        ("en-GB", "en-us", True),
        ("en", "de", False),
    ],
)
def test_the_same_language_by_another_code(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


def test_the_closest_is_as_the_engine_writes_it() -> None:
    assert closest("nb", ["en", "no"]) == "no"
    assert closest("en-gb", ["en-US", "en-GB"]) == "en-GB"
    assert closest("xx", ["en"]) is None
