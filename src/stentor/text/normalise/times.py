"""Times of the day."""

from __future__ import annotations

import re
from functools import lru_cache

from .counted import counted
from .tongue import Tongue

_HALF_DAY = re.compile(
    r"(?<![\w:.,])(?P<h>1[0-2]|0?[1-9])(?::(?P<m>[0-5]\d))? ?(?P<half>[APap])\.?[Mm](?!\w)\.?"
)

_HOUR = {"es": "hora", "fr": "heure", "pt": "hora"}
"""What an hour of the day agrees with."""


def speak_times(text: str, tongue: Tongue) -> str:
    """Words where there is a word for the hour, or hours and minutes as two numbers."""
    if tongue.code == "en":
        text = _HALF_DAY.sub(lambda found: _half_day(found, tongue), text)
    return _times(tongue).sub(lambda found: _time(found, tongue), text)


def _half_day(found: re.Match[str], tongue: Tongue) -> str:
    minutes = "" if found["m"] in (None, "00") else f" {_minutes(found['m'], tongue)}"
    rest = found.string[found.end() : found.end() + 2]
    stop = "." if found[0][-1] == "." and (not rest or rest[-1:].isupper()) else ""
    return f"{tongue.cardinal(str(int(found['h'])))}{minutes} {found['half'].lower()} m{stop}"


def _time(found: re.Match[str], tongue: Tongue) -> str:
    table = tongue.table
    hour = int(found["h"] or found["h2"] or found["h3"])
    minutes = found["m"] or found["m2"] or found["m3"] or "00"
    noun = _HOUR.get(tongue.code)
    said = (noun and counted(str(hour), noun, tongue)) or tongue.cardinal(str(hour))
    hours = table.one_hour if hour == 1 and table.one_hour else table.hours.format(h=said)
    seconds = f" {tongue.cardinal(str(int(found['s'])))}" if found["s"] else ""
    if minutes == "00" and not seconds:
        if tongue.code == "en" and not 1 <= hour <= 12:
            return "midnight" if hour in (0, 24) else f"{said} hundred"
        return table.full_hour.format(h=said) if table.full_hour else hours
    return table.clock.format(hours=hours, m=_minutes(minutes, tongue)) + seconds


def _minutes(minutes: str, tongue: Tongue) -> str:
    if tongue.code == "en" and minutes[0] == "0":
        return f"oh {tongue.cardinal(minutes[1])}" if minutes != "00" else "oh oh"
    return tongue.cardinal(str(int(minutes)))


@lru_cache(maxsize=128)
def _times(tongue: Tongue) -> re.Pattern[str]:
    mark, sign = tongue.table.hour_mark, tongue.table.hour_sign
    behind = f"(?:{mark}(?!\\w))?" if mark else ""
    hour = r"[01]?\d|2[0-4]"
    dotted = (
        rf"(?P<h2>{hour})(?:[.:](?P<m2>[0-5]\d))?{mark}(?!\w)" if mark else "(?!)(?P<h2>)(?P<m2>)"
    )
    signed = (
        rf"(?P<h3>{hour}) ?{sign}(?: ?(?P<m3>[0-5]\d))?(?!\w)" if sign else "(?!)(?P<h3>)(?P<m3>)"
    )
    return re.compile(
        rf"(?<![\w:.,])(?:(?P<h>{hour}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d|[:.,]\d){behind}"
        rf"|{dotted}|{signed})"
    )
