"""Fractions in words."""

from __future__ import annotations

import re
from unicodedata import normalize

from .tongue import Tongue

_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_FRACTION = re.compile(
    rf"(?<![\w.,/])(?:(?P<whole>\d{{1,6}}) ?)?(?P<sign>[{_VULGAR}])"
    r"|(?<![\w.,/])(?:(?P<units>\d{1,3}) )?(?P<n>[1-9])[/⁄](?P<d>10|[2-9])(?![\w/⁄]|[.,]\d)"
)


def speak_fractions(text: str, tongue: Tongue) -> str:
    """Fractions below one with a denominator up to ten, and numbers with such a fraction."""
    if not tongue.table.parts:
        return text
    return _FRACTION.sub(lambda found: _fraction(found, tongue), text)


def _fraction(found: re.Match[str], tongue: Tongue) -> str:
    plain = normalize("NFKC", found["sign"]) if found["sign"] else f"{found['n']}⁄{found['d']}"
    over, _, under = plain.partition("⁄")
    if int(over) >= int(under):
        return found[0]
    said = _part(over, int(under), tongue)
    whole = found["whole"] or found["units"]
    if not whole:
        return said + _gap(found)
    return tongue.table.mixed.format(whole=tongue.cardinal(whole), part=said) + _gap(found)


def _gap(found: re.Match[str]) -> str:
    return " " if found.string[found.end() : found.end() + 1].isalnum() else ""


def _part(over: str, under: int, tongue: Tongue) -> str:
    table, count = tongue.table, int(over)
    if (count, under) == (1, 2):
        return table.half
    words = table.one_of[count - 1] if count <= len(table.one_of) else tongue.cardinal(over)
    return f"{words} {tongue.form(over, table.parts[under])}"
