"""Dates: of ISO 8601, in digits by the order of the locale, and with the month's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.dates import get_date_format, get_month_names

from .tongue import Tongue, with_ending

_ISO = re.compile(
    r"(?<![\w/-])([1-9]\d{3})([/-])(\d\d)\2(\d\d)"
    r"(?:T(?P<time>\d\d:\d\d)(?P<seconds>:\d\d)?(?:[.,]\d{1,9})?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?(?![\w/-])"
)
_DIGITS = re.compile(r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2([1-9]\d{3})(?![\w/-]|\.\d)")
_LEAP = 2000


@dataclass(frozen=True)
class Names:
    """`before` and `behind` match dates whose day stands before or behind the month."""

    before: re.Pattern[str]
    behind: re.Pattern[str]
    months: dict[str, int]
    said: dict[int, str]


def speak_dates(text: str, tongue: Tongue) -> str:
    """What is no day of the calendar stays."""
    if not _template(tongue):
        return text
    names = _names(tongue)
    text = _ISO.sub(lambda found: _iso(found, tongue), text)
    text = _DIGITS.sub(lambda found: _in_digits(found, tongue), text)
    text = names.before.sub(lambda found: _named(found, tongue), text)
    return names.behind.sub(lambda found: _named(found, tongue), text)


def _iso(found: re.Match[str], tongue: Tongue) -> str:
    said = _date(found, tongue, int(found[1]), int(found[3]), int(found[4]))
    if not found["time"] or said == found[0]:
        return said
    seconds = found["seconds"] if found["seconds"] != ":00" else ""
    return f"{said}, {found['time']}{seconds or ''}{_zone(found['zone'] or '', tongue)}"


def _zone(zone: str, tongue: Tongue) -> str:
    hours, minutes = zone[1:3], zone[-2:] if len(zone) > 3 else "00"
    if not zone or zone == "Z" or (hours, minutes) == ("00", "00"):
        return " UTC" if zone else ""
    sign = tongue.minus() if zone[0] == "-" else tongue.table.signs.get("+", "+")
    return f" UTC {sign} {int(hours)}" + (f" {minutes}" if minutes != "00" else "")


def _named(found: re.Match[str], tongue: Tongue) -> str:
    month = _names(tongue).months[found["month"].casefold()]
    year = int(found["year"]) if found["year"] else None
    return _date(found, tongue, year, month, int(found["day"]))


def _in_digits(found: re.Match[str], tongue: Tongue) -> str:
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    day, month = (second, first) if _month_first(tongue) else (first, second)
    if month > 12 >= day:
        day, month = month, day
    return _date(found, tongue, year, month, day)


def _date(found: re.Match[str], tongue: Tongue, year: int | None, month: int, day: int) -> str:
    try:
        date(year or _LEAP, month, day)
    except ValueError:
        return found[0]
    full, _, short = _template(tongue).partition("|")
    template = full if year else short or full.partition("{month}")[0] + "{month}"
    said = _day(tongue, day, _word_before(found))
    return template.format(
        day=said, month=_names(tongue).said[month], year=_year(tongue, year) if year else ""
    )


def _word_before(found: re.Match[str]) -> str:
    start = found.start()
    return found.string[max(0, start - 12) : start].rpartition(" ")[0].rpartition(" ")[2].lower()


def _day(tongue: Tongue, day: int, before: str) -> str:
    table = tongue.table
    if not table.ordinal_days:
        return table.first if day == 1 and table.first else tongue.cardinal(str(day))
    if before in table.day_after:
        return tongue.ordinal(day) + table.day_after[before]
    return with_ending(tongue.ordinal(day), table.day_endings, every=True)


def _year(tongue: Tongue, year: int) -> str:
    if tongue.table.year_endings:
        return with_ending(tongue.ordinal(year), tongue.table.year_endings, every=True)
    return tongue.year(year)


@lru_cache(maxsize=128)
def _month_first(tongue: Tongue) -> bool:
    pattern = get_date_format("short", tongue.locale).pattern
    return pattern.find("M") < pattern.find("d")


@lru_cache(maxsize=128)
def _template(tongue: Tongue) -> str:
    """How a date is said: by hand, or CLDR's long form where that is made of words alone."""
    if tongue.table.date:
        day_first = tongue.code == "en" and not _month_first(tongue)
        return (
            "the {day} of {month}, {year}|the {day} of {month}"
            if day_first
            else (tongue.table.date)
        )
    pattern = get_date_format("long", tongue.locale).pattern
    if re.fullmatch(r"d+\.? MMMM y", pattern):
        return "{day} {month} {year}|{day} {month}"
    return ""


@lru_cache(maxsize=128)
def _names(tongue: Tongue) -> Names:
    months: dict[str, int] = {}
    for width in ("abbreviated", "wide"):
        for number, name in get_month_names(width, "format", tongue.locale).items():
            months[name.rstrip(".").casefold()] = number
    said = dict(get_month_names("wide", "format", tongue.locale).items())
    named = "|".join(re.escape(name) for name in sorted(months, key=len, reverse=True))
    # "march 10 miles" is no date.
    folded = "" if tongue.code in ("en", "de") else "i"
    if not folded:
        named = "|".join(part.capitalize() for part in named.split("|"))
    month = rf"(?P<month>(?{folded}:{named}))(?!\w)\.?"
    day = r"(?P<day>\d{1,2})"
    year = r"(?P<year>[12]\d{3})(?!\w|[.,]\d)" + (
        f"(?:{mark})?" if (mark := tongue.table.year_mark) else ""
    )
    link = "(?:d[eo] )?" if tongue.code in ("es", "pt") else ""
    the = "(?:[Tt]he )?" if tongue.code == "en" else ""
    of = "(?:of )?" if tongue.code == "en" else link
    end = r"(?:st|nd|rd|th|er|º)?\.?"
    return Names(
        re.compile(rf"(?<![\w.,:/-]){the}{day}{end} {of}{month}(?:,? {link}{year})?"),
        re.compile(rf"(?<!\w){month} {day}(?:st|nd|rd|th)?(?![\w:/%]|[.,]\d)(?:,? {year})?")
        if tongue.code == "en"
        else re.compile(r"(?!)(?P<month>)(?P<day>)(?P<year>)"),
        months,
        said,
    )
