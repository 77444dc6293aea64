"""Written text as one would say it, for engines that cannot read numbers aloud."""

from __future__ import annotations

import re
from collections.abc import Callable

from .abbreviations import speak_abbreviations
from .dates import speak_dates
from .durations import speak_durations, speak_feet
from .fractions import speak_fractions
from .german import speak_german
from .markdown import strip_markdown
from .money import speak_money
from .numbers import speak_numbers, speak_ordinals, speak_ranges, speak_years
from .operators import speak_operators, speak_raised
from .roman import speak_roman
from .runs import speak_runs
from .signs import speak_signs, speak_signs_before_numbers
from .times import speak_times
from .tongue import Tongue, tongue_of
from .units import speak_units
from .web import speak_addresses

__all__ = ["MOST_GROWTH", "normalise"]

MOST_GROWTH = 30
"""How many times longer than the given text the normalised one may be. Prose grows by a few per
cent; a text of nothing but digits grows most, so cut what came out again where a limit matters."""

Rule = Callable[[str, Tongue], str]

# The order matters: what is more than a number is read before the numbers in it are.
_WITHOUT_DIGITS: tuple[Rule, ...] = (speak_addresses, speak_abbreviations, speak_roman)
_WITH_DIGITS: tuple[Rule, ...] = (
    speak_dates,
    speak_runs,
    speak_durations,
    speak_feet,
    speak_times,
    speak_german,
    speak_fractions,
    speak_operators,
    speak_ranges,
    speak_ordinals,
    speak_money,
    speak_units,
    speak_raised,
    speak_signs_before_numbers,
    speak_years,
    speak_numbers,
)
_NUMERIC = re.compile("[\\d\u00bc-\u00be\u2150-\u215e]")


def normalise(text: str, language: str | None) -> str:
    """The text with its numbers, dates, units, abbreviations and addresses in words, and without
    the marks of Markdown.

    `language` is a BCP-47 tag; the region tells the order of a date and some number words. A
    language without number words (Chinese and Japanese among them), or None, leaves the text
    otherwise as it is; so does a text with nothing to say in words. Never raises, takes linear
    time, loses no word but the addresses of links, may be called in any thread. The result has at
    most `MOST_GROWTH` times the characters.
    """
    text = strip_markdown(text)
    tongue = tongue_of(language)
    if tongue is None:
        return text
    for rule in _WITHOUT_DIGITS:
        text = rule(text, tongue)
    if _NUMERIC.search(text):
        for rule in _WITH_DIGITS:
            text = rule(text, tongue)
    return speak_signs(speak_raised(text, tongue), tongue)
