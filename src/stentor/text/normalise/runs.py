"""Runs of digits that are no numbers: telephones and versions."""

from __future__ import annotations

import re

from .tongue import Tongue

_PHONE = re.compile(
    r"(?<![\w.,/+-])(?<!\d[ \u00a0\u202f])(?:\+\d[\d ()./-]{5,20}\d"
    r"|\(?0\d{1,5}\)?(?:[ /-]\d{2,8}){1,5}"
    r"|\(\d{3}\) ?\d{3}-\d{4}"
    r"|(?:1[ -])?\d{3}[ -]\d{3}[ -]\d{4}"
    r"|\d{3}-\d{4})(?![\w/-]|[.,]\d)"
)
_DASHED = re.compile(r"(?<![\w.,/+-])\d{1,7}(?:-\d{1,7}){2,5}(?:-[\dX])?(?![\w/-]|[.,]\d)")
_LEAST_DIGITS = 7
_VERSION = re.compile(r"(?<![\w.,])(v?)(\d{1,5}(?:\.\d{1,5}){2,7})(?!\w|[.,]\d)")
_DIGITS = re.compile(r"\d+")


def speak_runs(text: str, tongue: Tongue) -> str:
    """Telephone numbers digit by digit in their groups, versions part by part."""
    text = _PHONE.sub(lambda found: _phone(found[0], tongue), text)
    text = _DASHED.sub(lambda found: _dashed(found[0], tongue), text)
    return _VERSION.sub(lambda found: _version(found, tongue), text)


def _phone(number: str, tongue: Tongue) -> str:
    groups = ", ".join(tongue.spell(group) for group in _DIGITS.findall(number))
    plus = tongue.table.signs.get("+", "+") + " " if number[0] == "+" else ""
    return plus + groups


def _dashed(number: str, tongue: Tongue) -> str:
    """A number of a book or an account, if it is long; a shorter one may be anything."""
    if sum(map(str.isdecimal, number)) < _LEAST_DIGITS:
        return number
    return _phone(number, tongue) + (", X" if number[-1] == "X" else "")


def _version(found: re.Match[str], tongue: Tongue) -> str:
    point = tongue.table.web.get(".", "")
    if not point or re.fullmatch(tongue.number, found[2]):
        return found[0]
    if tongue.code == "en":
        point = "point"
    parts = f" {point} ".join(tongue.cardinal(part) for part in found[2].split("."))
    return f"{found[1]} {parts}" if found[1] else parts
