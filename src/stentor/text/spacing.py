"""How texts are put side by side, and how much room they take."""

from __future__ import annotations

import unicodedata


def space_between(before: str, after: str) -> str:
    """What stands between two stretches of speech: nothing where the script has no spaces."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return ""
    return "" if unspaced(before[-1]) and unspaced(after[0]) else " "


def unspaced(char: str) -> bool:
    """Of a script that is written without spaces and can be broken at any letter: Chinese and
    Japanese. Hangul is as wide, but has spaces.
    """
    wide = unicodedata.east_asian_width(char) in "WF"
    return wide and not unicodedata.name(char, "").startswith("HANGUL")


def columns(text: str) -> int:
    """Of a terminal, or of a subtitle: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
