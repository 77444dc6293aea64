"""The words of one language that neither CLDR nor num2words knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Endings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Everything is optional: what is empty is left as it is written."""

    minus: str = ""
    point: str = ""
    grouped_fraction: bool = False
    """Decimals are read as one number ("quatorze"), not digit by digit."""
    attributive: Endings = ()
    """Endings of a number before a noun: "veintiuno" becomes "veintiún"."""
    years: tuple[int, int] = (0, 0)
    """The numbers of four digits that are read as years, where years are read in a way of their
    own; the second one is not included."""
    quantities: tuple[str, ...] = ()
    """Patterns of words before a number that is no year."""
    counted: tuple[str, ...] = ()
    """Patterns of words behind a number that is no year."""

    signs: Mapping[str, str] = field(default_factory=dict)
    """Signs between words, before a number, or (² and ³) behind one. "/" is said for "out of", ":"
    for a proportion."""
    web: Mapping[str, str] = field(default_factory=dict)
    """The signs of addresses."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations, without the period, that are read in full before a capital letter."""
    numbered: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations that are read in full before a number."""
    phrases: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations, as they are written, that are read in full everywhere."""

    closing: tuple[str, ...] = ()
    """Those phrases whose period may also end a sentence."""

    to: str = ""
    """Between the ends of a range."""
    currencies: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Short names of money and of its hundredths, by plural forms, that num2words lacks."""
    cents: str = ""
    """Between the whole and the hundredths of an amount of money."""
    scales: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words and signs for great numbers, by CLDR's plural forms: one, [few,] many."""
    of_scale: tuple[str, str] = ("", "")
    """Between such a word and a noun: before a consonant, before a vowel."""

    date: str = ""
    """With {day}, {month} and {year}; behind a bar, without a year."""
    first: str = ""
    """The first day of a month, where the other days are cardinal."""
    ordinal_days: bool = False
    day_endings: Endings = ()
    year_endings: Endings = ()
    """Endings of an ordinal as a day or as a year; years are cardinal where this is empty."""
    year_mark: str = ""
    """A pattern of what may follow the year of a date, which `date` then says."""

    hours: str = "{h}"
    one_hour: str = ""
    """`hours` for one o'clock, where its words are others."""
    full_hour: str = ""
    """The same without minutes, where it is another."""
    clock: str = "{hours} {m}"
    hour_mark: str = ""
    """A pattern of what may follow a time, which `hours` says already."""
    hour_sign: str = ""
    """What stands between hours and minutes besides a colon."""

    day_after: Mapping[str, str] = field(default_factory=dict)
    """What an ordinal number ends in, by the word before it."""
    ordinals: str = ""
    """A pattern of the endings of an ordinal number in digits."""
    feminine: Mapping[str, Endings] = field(default_factory=dict)
    """For some of these endings, the endings of the feminine."""

    mixed: str = ""
    """A number with a fraction: {whole} and {part}."""
    one_of: tuple[str, ...] = ()
    """The words for 1, 2 … as numerators, where they are not the cardinals."""
    parts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The denominators, by CLDR's plural forms: one, [few,] many."""
    half: str = ""

    headings: tuple[str, ...] = ()
    """Patterns of words before a Roman numeral that is read as a cardinal number."""
    monarchs: tuple[str, ...] = ()
    """Names before a Roman numeral."""
    reign: str = ""
    """How the number of a monarch is read: {ordinal} or {cardinal}."""
    last_ordinal: int = 99
    """The last number of a monarch that is ordinal; the ones behind it are cardinal."""
    century: str = ""
    """A pattern of the word for a century, behind a Roman numeral."""
