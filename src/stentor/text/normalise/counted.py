"""A number before a noun."""

from __future__ import annotations

import re

from .tongue import Tongue, with_ending

_MASCULINE = {"ru": (("один", "одна"), ("два", "две")), "pl": (("jeden", "jedna"), ("dwa", "dwie"))}
_FEMININE = {
    "de": (r".*e", {"ein": "eine"}),
    "es": (r".*a", {"un": "una", "veintiún": "veintiuna"}),
    "fr": (r".*(?:heure|minute|seconde|tonne|livre|once|couronne|roupie)s?", {"un": "une"}),
    "it": (r".*a", {"un": "una"}),
    "pt": (r".*(?<!gram)a", {"um": "uma", "dois": "duas"}),
}
"""By language, the feminine nouns among units and money by a pattern of their first word, and
their numbers."""


def counted(text: str, noun: str, tongue: Tongue) -> str | None:
    """The words for a number in digits, as they are before a noun; `noun` is its singular."""
    words = tongue.amount(text)
    if words is None or tongue.parts(text)[1]:
        return words
    if tongue.code in _MASCULINE and noun.partition(" ")[0].endswith(("а", "я", "a")):
        return with_ending(words, _MASCULINE[tongue.code])
    return _feminine(with_ending(words, tongue.table.attributive), noun, tongue)


def _feminine(words: str, noun: str, tongue: Tongue) -> str:
    pattern, exchanged = _FEMININE.get(tongue.code, ("(?!)", {}))
    if not re.fullmatch(pattern, noun.partition(" ")[0]):
        return words
    before, space, last = words.rpartition(" ")
    return before + space + exchanged.get(last, last)
