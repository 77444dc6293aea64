"""The marks of Markdown are not spoken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.text.normalise import normalise
from stentor.text.normalise.markdown import strip_markdown


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**Bold** and __strong__ and `code`.", "Bold and strong and code."),
        ("这是**重要**的", "这是重要的"),
        ("# Title\n\n## Part one\ntext", "Title\n\nPart one\ntext"),
        ("> quoted\n> > twice", "quoted\ntwice"),
        ("- one\n* two\n  - three", "one\ntwo\nthree"),
        ("- **Note:** see [the page](https://example.org/a?b=1).", "Note: see the page."),
        ("![a cat](cat.png) sleeps", "a cat sleeps"),
        ("```python\nx = 1\n```\n", "python\nx = 1\n\n"),
        ("- [ ] a task", "[ ] a task"),
        ("``a b``", "a b"),
    ],
)
def test_marks_go(text: str, plain: str) -> None:
    assert strip_markdown(text) == plain
    assert strip_markdown(plain) == plain


@pytest.mark.parametrize(
    "text",
    [
        "2**3 and 4**5",
        "a * b * c",
        "#5 and #tag",
        "-3 degrees\n-5",
        "> 5 km",
        "snake__case__name",
        "a ** b",
        "one ` mark",
        "[1] a note (see there)",
        "half **done",
        "well - no",
    ],
)
def test_what_only_looks_like_a_mark_stays(text: str) -> None:
    assert strip_markdown(text) == text


@pytest.mark.parametrize("language", ["en", "zh", None])
def test_marks_are_said_in_no_language(language: str | None) -> None:
    assert normalise("**abc** [d](https://e.org)", language) == "abc d"


@settings(deadline=None)
@given(st.text("ab1 *_`[]()#>-+!\n"))
def test_words_are_kept_but_for_addresses(text: str) -> None:
    words = re.findall(r"\w", re.sub("_", "", text))
    plain = re.findall(r"\w", re.sub("_", "", strip_markdown(text)))
    rest = iter(words)

    assert all(letter in rest for letter in plain)
    assert plain == words or "](" in text


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit", ["**a ", "__a ", "`", "`a", "[a](", "[", "- ", "> ", "#", "!", "\n"]
)
def test_time_is_linear(unit: str) -> None:
    """Quadratic time would be minutes here."""
    assert strip_markdown(f"x{unit * (300_000 // len(unit))}").startswith("x")
    assert strip_markdown(f"{unit * (300_000 // len(unit))}x").endswith("x")
