"""What `clean` keeps, what it drops, and that no input is slow."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.text.clean import clean

ANY_CHARACTER = st.characters(exclude_categories=())
ODD_CHARACTERS = st.sampled_from(
    "a e1.,\n\r\t\0\x1f\x7f\x85\xa0\xad\u0301\u0323\u0344\u0f73\u200b\u200c\u200d\u200e\u202e"
    "\u2028\u2029\u2060\u2066\u3000\ufe0f\ufeff\ufffd\uffff\ud83d\ude00\ue000هम्\u05e9\u05c1\u2126"
    "가\u1100\u1161👩🏴\U000e0067\U000e007f\u2190\u0338"
)
TEXTS = st.text(ANY_CHARACTER) | st.text(ODD_CHARACTERS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        (" \n\t\u3000\ufeff\0", ""),
        ("  Hello,\t  world. \n", "Hello, world."),
        ("one\r\ntwo\rthree\vfour\u2028five", "one\ntwo\nthree\nfour\nfive"),
        ("one  \n \n\n\t\n  two", "one\n\ntwo"),
        ("one\u2029two", "one\n\ntwo"),
        ("bell\x07ring and e\x9bscape", "bell ring and e scape"),
        ("10\xa0000\u202fkm", "10 000 km"),
        ("lone\ud800half", "lone half"),
        ("a pair \ud83d\ude00", "a pair 😀"),
        ("private\ue000use and \uffffnothing", "private use and nothing"),
        ("cafe\u0301", "café"),
        ("soft\xadhyphen, word\u2060joiner, \ufeffmark", "softhyphen, wordjoiner, mark"),
        ("zero\u200bwidth", "zero width"),
        ("Auf\u200clage", "Auflage"),
        ("e\u200d\u0301", "é"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dया", "क्\u200dया"),
        (
            "❤\ufe0f\u200d🔥 👩🏽\u200d🚀 🙂\u200d↔\ufe0f",
            "❤\ufe0f\u200d🔥 👩🏽\u200d🚀 🙂\u200d↔\ufe0f",
        ),
        ("\u200dalone\u200d \u200d👩", "alone 👩"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("hidden\U000e0067\U000e0062 tags 🏴", "hidden tags 🏴"),
        ("\u202bשלום\u202c \u2067مرحبا\u2069\u200f!", "שלום مرحبا!"),
        ("price: \u20ac5 \u2014 \u00bd", "price: €5 — ½"),
    ],
)
def test_clean(given: str, expected: str) -> None:
    assert clean(given) == expected


@settings(deadline=None)
@given(TEXTS)
def test_nothing_is_left_to_clean(text: str) -> None:
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert not any(unsafe in cleaned for unsafe in ("  ", " \n", "\n ", "\n\n\n"))
    assert not {"\u200b", "\u200e", "\u202e", "\u2066", "\ufeff"} & set(cleaned)
    assert all(
        char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Zl", "Zp")
        for char in cleaned
    )
    assert {char for char in cleaned if unicodedata.category(char) == "Zs"} <= {" "}


@settings(deadline=None)
@given(TEXTS)
def test_everything_that_can_be_read_stays(text: str) -> None:
    assert _readable(clean(text)) == _readable(text)


def _readable(text: str) -> str:
    """Letters, marks, numbers, symbols and punctuation, up to canonical equivalence."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    readable = (char for char in text if unicodedata.category(char)[0] in "LMNSP")
    return unicodedata.normalize("NFD", "".join(readable))


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_paragraphs_can_be_cleaned_one_by_one(one: str, other: str) -> None:
    parts = [part for part in (clean(one), clean(other)) if part]

    assert clean(one + "\n\n" + other) == "\n\n".join(parts)


@pytest.mark.parametrize("control", [chr(code) for code in (*range(9), *range(14, 32), 127)])
def test_a_control_does_not_fuse_words(control: str) -> None:
    assert clean(f"two{control}words") == "two words"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit",
    ["\u0300\u0323", "\u0f73", "e\u0301", " ", "\n ", "\r", "\u200d", "a\u200d", "\ud83d", "\0"],
    ids=ascii,
)
def test_time_is_linear(unit: str) -> None:
    """Quadratic time, which Unicode normalisation itself takes, would be minutes here."""
    cleaned = clean("(" + unit * (600_000 // len(unit)) + ")")

    assert (cleaned[0], cleaned[-1]) == ("(", ")")
