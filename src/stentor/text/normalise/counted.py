"""A number before a noun."""

from __future__ import annotations

from .tongue import Tongue, with_ending

_MASCULINE = {"ru": (("один", "одна"), ("два", "две")), "pl": (("jeden", "jedna"), ("dwa", "dwie"))}


def counted(text: str, noun: str, tongue: Tongue) -> str | None:
    """The words for a number in digits, as they are before a noun; `noun` is its singular."""
    words = tongue.amount(text)
    if words is None or tongue.parts(text)[1]:
        return words
    if tongue.code in _MASCULINE and noun.partition(" ")[0].endswith(("а", "я", "a")):
        return with_ending(words, _MASCULINE[tongue.code])
    return with_ending(words, tongue.table.attributive)
