"""Abbreviations and initials in full."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from .tongue import Tongue

_INITIALS = re.compile(r"(?<![\w.])(?:[^\W\d_a-zа-яё]\. ){2,6}(?=[^\W\d_a-zа-яё]\w)")
_COMPACT = re.compile(r"(?<![\w.])(?:[^\W\d_a-zа-яё]\.){3,6} (?=[^\W\d_a-zа-яё]\w)")
_STREET = re.compile(r"(?<=[a-z]) St\.(?! [A-Z])")


def speak_abbreviations(text: str, tongue: Tongue) -> str:
    if tongue.code == "en":
        text = _STREET.sub(" Street", text)
    if phrases := _phrases(tongue):
        text = phrases.sub(lambda found: _phrase(found, tongue), text)
    if "." in text or "№" in text:
        text = _before(text, _titles(tongue), dict(tongue.table.titles))
        text = _before(text, _numbered(tongue), dict(tongue.table.numbered))
        text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
        text = _COMPACT.sub(lambda found: found[0].replace(".", " ").replace("  ", " "), text)
    return text


def _before(text: str, pattern: re.Pattern[str] | None, words: dict[str, str]) -> str:
    return pattern.sub(lambda found: words[found[1]] + " ", text) if pattern else text


def _phrase(found: re.Match[str], tongue: Tongue) -> str:
    short, text = found[0], found.string
    rest = text[found.end() : found.end() + 3].lstrip(" ”“\"'»")
    ends = not text[found.end() :].strip(" ”“\"'»)") if len(rest) < 1 else rest[0] == "\n"
    if short in tongue.table.closing and rest[:1].isupper():
        ends = True
    return tongue.table.phrases[short] + ("." if ends and short[-1] == "." else "")


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@lru_cache(maxsize=128)
def _phrases(tongue: Tongue) -> re.Pattern[str] | None:
    phrases = tongue.table.phrases
    # A word boundary behind those that end in a letter.
    return re.compile(rf"(?<![\w.])(?:{_any_of(phrases)})(?!\w)") if phrases else None


@lru_cache(maxsize=128)
def _titles(tongue: Tongue) -> re.Pattern[str] | None:
    titles = tongue.table.titles
    capital = r"(?=[^\W\d_a-zà-öø-ÿа-яё])"
    return re.compile(rf"(?<![\w.])({_any_of(titles)})\. ?{capital}") if titles else None


@lru_cache(maxsize=128)
def _numbered(tongue: Tongue) -> re.Pattern[str] | None:
    numbered = tongue.table.numbered
    if not numbered:
        return None
    return re.compile(rf"(?<![\w.])({_any_of(numbered)})(?:\.|(?<=№)) ?(?=[\d+(])")
