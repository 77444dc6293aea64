"""Where the words of a text begin and end, given where a speaker places them. Pure."""

from __future__ import annotations

import unicodedata


def word_start(text: str, at: int) -> int:
    """Where the word at `at` begins with the opening signs before it: brackets and quotes."""
    start = at
    while start > 0 and _opens(text, start - 1):
        start -= 1
    return start


def _opens(text: str, at: int) -> bool:
    """A straight quote opens after a space, a bracket anywhere."""
    if unicodedata.category(text[at]) in ("Ps", "Pi"):
        return True
    return text[at] in "\"'" and (at == 0 or text[at - 1].isspace() or _opens(text, at - 1))
