"""Signs between numbers: divided, in proportion, calculated with."""

from __future__ import annotations

import re

from .tongue import Tongue

_NUMBER = r"\d{1,9}(?:[.,]\d{1,4})?"
_SLASHED = re.compile(rf"(?<![\w.,/$€£-]){_NUMBER}(?:/{_NUMBER}){{1,5}}(?!\w|[.,/]\d)")
_SLASH = re.compile(r"(?<=\d) ?/ ?(?=\d)")
_RATIO = re.compile(r"(?<![\w:.,])(\d{1,6}):(\d{1,6})(?![\w:]|[.,]\d)")
_MINUS = re.compile(rf"(?<![\w.,/-])({_NUMBER}) [-−] (?=({_NUMBER})(?![\w.,/-]*\d)(\s*=)?)")
_TIMES = re.compile(r"(?<=\d) ?[*∗] ?(?=\d)")
_POWER = re.compile(r"(?<=[\w)])\^(?=([-−])?\w)[-−]?")
_SCIENTIFIC = re.compile(r"(?<![\w.,])(\d{1,9}(?:[.,]\d{1,9})?)[eE]([+-]?)(\d{1,3})(?!\w|[.,]\d)")
_RAISED = re.compile(r"((?<![^\W\d_])[^\W\d_]{1,2}|[\d)])([²³])(?!\w)")
_LENGTHS = frozenset({"m", "cm", "km", "mm", "ft"})
_SCALES = frozenset({"5", "10", "100"})


def speak_operators(text: str, tongue: Tongue) -> str:
    """Signs become words where a language has them here; a slash or a colon at least a pause."""
    signs = tongue.table.signs
    text = _SLASHED.sub(lambda found: _slashed(found[0], tongue), text)
    text = _SLASH.sub(", ", text)
    text = _RATIO.sub(lambda found: _ratio(found, tongue), text)
    if times := signs.get("×"):
        text = _TIMES.sub(f" {times} ", text)
    minus = tongue.minus()
    if minus:
        text = _MINUS.sub(lambda found: _minus(found, tongue), text)
    if power := signs.get("^"):
        text = _SCIENTIFIC.sub(lambda found: _scientific(found, power, tongue), text)
        text = _POWER.sub(lambda found: f" {power} {minus + ' ' if found[1] else ''}", text)
    return text


def speak_raised(text: str, tongue: Tongue) -> str:
    """Squares and cubes that no unit has taken."""
    signs = tongue.table.signs
    return _RAISED.sub(lambda found: _raised(found, signs.get(found[2])), text)


def _slashed(numbers: str, tongue: Tongue) -> str:
    parts = numbers.split("/")
    said = [_said(part, tongue) for part in parts]
    if not all(said):
        return numbers
    out_of = tongue.table.signs.get("/")
    whole = len(parts) == 2 and parts[1] in _SCALES
    if out_of and whole and (parts[0] == parts[1] or not parts[0].isdecimal()):
        return f"{said[0]} {out_of} {said[1]}"
    return " ".join(map(str, said))


def _said(number: str, tongue: Tongue) -> str | None:
    if number.isdecimal() and len(number) == 4:
        return tongue.year(int(number))
    # A comma may part thousands.
    plain = number.isdecimal() or "." in number or tongue.decimal in number
    return tongue.amount(number) if plain else None


def _ratio(found: re.Match[str], tongue: Tongue) -> str:
    to = tongue.table.signs.get(":")
    return f"{found[1]} {to} {found[2]}" if to else f"{found[1]}, {found[2]}"


def _minus(found: re.Match[str], tongue: Tongue) -> str:
    """Ranges go up."""
    first, second = (float(found[at].replace(",", ".")) for at in (1, 2))
    word = tongue.minus() if found[3] or first > second else tongue.table.to
    return f"{found[1]} {word} " if word else found[0]


def _scientific(found: re.Match[str], power: str, tongue: Tongue) -> str:
    sign = f"{tongue.minus()} " if found[2] == "-" else ""
    return f"{found[1]} {tongue.table.signs['×']} 10 {power} {sign}{found[3]}"


def _raised(found: re.Match[str], word: str | None) -> str:
    if not word or found[1] in _LENGTHS:
        return found[0]
    return f"{found[1]} {word}"
