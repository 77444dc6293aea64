"""Plain numbers: ranges, signs, ordinals, years, and every digit that is left."""

from __future__ import annotations

import re
from functools import lru_cache

from .tongue import Tongue, with_ending

_RANGE = re.compile(
    r"(?<![\w.,/-])(\d[\d.,]{0,12})(?: ?[–—] ?|-)(?=[$€£]?\d[\d.,]{0,12}+(?![\w-]\d|[-–—]))"
)
_MINUS = re.compile(r"(?<![\w)\].,%$€£¥₹-])[-−](?=(?:[A-Z]{0,2}[$€£¥₹])?\d)")
_MINUS_INSIDE = re.compile(r"(?<![\w$])([A-Z]{0,2}[$€£¥₹])[-−](?=\d)")
# "30s" is as often half a minute: a decade has a word or an apostrophe before it.
_OWNERS = ("the", "The", "my", "his", "her", "our", "your", "their", "early", "late", "mid")
_OWNED = "|".join([*(rf"(?<=\b{word}[ -])" for word in _OWNERS), r"(?<=\bthe \d0s and )"])
_DECADE = re.compile(
    r"(?:(?<![\w.,$€£'’-])|(?<=mid-)|(?<=early-)|(?<=late-))"
    rf"(?:(?:['’]|{_OWNED})(\d0)|(1[1-9]\d0|20\d0))['’]?s(?!\w)"
)
_YEAR = re.compile(r"(?<![\w.,/:#+-])([12]\d{3})(?!\w|[.,:/]\d|-\d)")


def speak_ranges(text: str, tongue: Tongue) -> str:
    """The dash between two numbers, and the minus before one, as words; the digits stay."""
    if to := tongue.table.to:
        text = _RANGE.sub(lambda found: f"{found[1]} {to} ", text)
    minus = tongue.minus()
    if not minus:
        return text
    return _MINUS.sub(f"{minus} ", _MINUS_INSIDE.sub(rf"{minus} \1", text))


def speak_ordinals(text: str, tongue: Tongue) -> str:
    if tongue.code == "en":
        text = _DECADE.sub(lambda found: _decade(found, tongue), text)
    if tongue.table.day_after:
        text = _after(tongue).sub(lambda found: _ordinal_after(found, tongue), text)
    if tongue.table.ordinals:
        text = _ordinals(tongue).sub(lambda found: _ordinal(found, tongue), text)
    return text


def speak_years(text: str, tongue: Tongue) -> str:
    if not tongue.table.years[1]:
        return text
    return _YEAR.sub(lambda found: _year(found, tongue), text)


def speak_numbers(text: str, tongue: Tongue) -> str:
    """Every digit that is left, apart from the letters around it."""
    return _numbers(tongue).sub(lambda found: _number(found, tongue), text)


def _decade(found: re.Match[str], tongue: Tongue) -> str:
    words = tongue.cardinal(found[1]) if found[1] else tongue.year(int(found[2]))
    if words.endswith("y"):
        return words[:-1] + "ies"
    return words + ("es" if words.endswith("x") else "s")


def _ordinal_after(found: re.Match[str], tongue: Tongue) -> str:
    ending = tongue.table.day_after[found[1].lower()]
    return f"{found[1]} {tongue.ordinal(int(found[2]))}{ending}"


def _ordinal(found: re.Match[str], tongue: Tongue) -> str:
    words = tongue.ordinal(int(found[1]))
    return with_ending(words, tongue.table.feminine.get(found[2], ()), every=True)


def _year(found: re.Match[str], tongue: Tongue) -> str:
    if _counts(found, tongue):
        return found[0]
    return tongue.year(int(found[1]))


def _counts(found: re.Match[str], tongue: Tongue) -> bool:
    """Whether the words around say how many, not when."""
    start, end = found.span()
    text = found.string
    before, behind = _around(tongue)
    return bool(before.search(text[max(0, start - 20) : start]) or behind.match(text, end))


def _number(found: re.Match[str], tongue: Tongue) -> str:
    words = tongue.amount(found[0])
    if words is None:
        return found[0]
    start, end = found.span()
    if tongue.spaced:
        words = " " * (start > 0 and found.string[start - 1].isalpha()) + words
        words += " " * found.string[end : end + 1].isalpha()
    return words


@lru_cache(maxsize=128)
def _numbers(tongue: Tongue) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d)(?<!\d[.,]){tongue.number}|\d+")


@lru_cache(maxsize=128)
def _ordinals(tongue: Tongue) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,])(\d{{1,6}})({tongue.table.ordinals})(?!\w)")


@lru_cache(maxsize=128)
def _after(tongue: Tongue) -> re.Pattern[str]:
    words = "|".join(tongue.table.day_after)
    return re.compile(rf"(?<!\w)((?i:{words})) (\d{{1,3}})\.(?= \w)")


@lru_cache(maxsize=128)
def _around(tongue: Tongue) -> tuple[re.Pattern[str], re.Pattern[str]]:
    table = tongue.table
    before = "|".join(table.quantities) or "(?!)"
    behind = "|".join(table.counted) or "(?!)"
    return (
        re.compile(rf"(?<!\w)(?i:{before}) $"),
        re.compile(rf" (?:{behind})(?!\w)"),
    )
