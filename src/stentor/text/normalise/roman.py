"""Roman numerals where the word beside them proves that they are numbers."""

from __future__ import annotations

import re
from functools import lru_cache

from .tongue import Tongue

_NUMERAL = r"(?P<numeral>[IVXL]{1,7})"
_VALID = re.compile("(XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_ANY = re.compile("[IVXL]")


def speak_roman(text: str, tongue: Tongue) -> str:
    if not _ANY.search(text):
        return text
    headings, monarchs, centuries = _patterns(tongue)
    text = headings.sub(lambda found: _heading(found, tongue), text)
    text = monarchs.sub(lambda found: _monarch(found, tongue), text)
    return centuries.sub(lambda found: _century(found, tongue), text)


def value(numeral: str) -> int:
    """The value of a numeral up to LXXXIX; 0 where it is none."""
    if not numeral or not _VALID.fullmatch(numeral):
        return 0
    values = [_VALUES[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-one if one < after else one for one, after in zip(values, following, strict=True))


def _heading(found: re.Match[str], tongue: Tongue) -> str:
    number = value(found["numeral"])
    return f"{found['name']} {tongue.cardinal(str(number))}" if number else found[0]


def _monarch(found: re.Match[str], tongue: Tongue) -> str:
    number = value(found["numeral"])
    if not number:
        return found[0]
    if number > tongue.table.last_ordinal:
        said = tongue.cardinal(str(number))
    else:
        said = tongue.table.reign.format(ordinal=tongue.ordinal(number))
    return f"{found['name']} {said}"


def _century(found: re.Match[str], tongue: Tongue) -> str:
    number = value(found["numeral"])
    return f"{tongue.ordinal(number)} {found['name']}" if number else found[0]


@lru_cache(maxsize=128)
def _patterns(tongue: Tongue) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    table = tongue.table
    # "Part I like" is no heading.
    no_pronoun = r"(?!I(?:\s+\w|'))" if tongue.code == "en" else ""

    # German writes ordinal numbers with a period.
    point = r"(?:\.(?= [a-zäöü]))?" if tongue.code == "de" else ""

    def behind(names: tuple[str, ...]) -> re.Pattern[str]:
        any_of = "|".join(names) or "(?!)"
        return re.compile(rf"(?<!\w)(?P<name>{any_of}) {no_pronoun}{_NUMERAL}{point}(?!\w|[.']\w)")

    century = re.compile(rf"(?<!\w){_NUMERAL}(?:e|ème)? (?P<name>{table.century or '(?!)'})(?!\w)")
    return behind(table.headings), behind(table.monarchs), century
