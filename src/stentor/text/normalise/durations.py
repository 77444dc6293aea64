"""Times that something takes, in hours, minutes and seconds, and lengths in feet and inches."""

from __future__ import annotations

import re

from .tongue import Tongue
from .units import measure

_HOURS, _MINUTES, _SECONDS = r"(?P<h>\d{1,3}) ?h", r"(?P<m>\d{1,3}) ?m(?:in)?", r"(?P<s>\d{1,3}) ?s"
_CHAIN = re.compile(
    rf"(?<![\w.,/-])(?:(?:{_HOURS} ?)?{_MINUTES} ?{_SECONDS}"
    rf"|{_HOURS.replace('<h', '<h2')} ?{_MINUTES.replace('<m', '<m2')})(?!\w)"
)
_FEET = re.compile(
    r"(?<![\w.,/'’′])(?P<feet>[1-9])['’′](?P<inches>1[01]|\d)(?!\w|[.,]\d)(?:[\"”″]|'')?"
)
_INCHES = re.compile(r"(?<![\w.,/])\d{1,3}(?:\.\d{1,2})?\Z")
_QUOTES = re.compile('(["“”″])')


def speak_durations(text: str, tongue: Tongue) -> str:
    """A "m" beside hours or seconds is minutes."""
    return _CHAIN.sub(lambda found: _chain(found, tongue), text)


def speak_feet(text: str, tongue: Tongue) -> str:
    """Feet and inches; a quotation mark that may close a quotation is none of inches."""
    text = _FEET.sub(lambda found: _feet(found, tongue), text)
    return _inches(text, tongue) if any(mark in text for mark in '"”″') else text


def _chain(found: re.Match[str], tongue: Tongue) -> str:
    groups = found.groupdict()
    amounts = {
        "duration-hour": groups["h"] or groups["h2"],
        "duration-minute": groups["m"] or groups["m2"],
        "duration-second": groups["s"],
    }
    said = [measure(number, unit, tongue) for unit, number in amounts.items() if number]
    return " ".join(filter(None, said)) if all(said) else found[0]


def _feet(found: re.Match[str], tongue: Tongue) -> str:
    feet, inches = found["feet"], found["inches"]
    if tongue.code == "en":
        return f"{tongue.cardinal(feet)} foot {tongue.cardinal(inches)}"
    said = measure(feet, "length-foot", tongue), measure(inches, "length-inch", tongue)
    return " ".join(map(str, said)) if all(said) else found[0]


def _inches(text: str, tongue: Tongue) -> str:
    parts = _QUOTES.split(text)
    quoted = False
    for at in range(1, len(parts), 2):
        mark, rest = parts[at], parts[at + 1]
        number = _INCHES.search(parts[at - 1][-8:])
        if mark != "“" and number and not (quoted and mark != "″") and not rest[:1].isalnum():
            said = measure(number[0], "length-inch", tongue)
            if said:
                parts[at - 1] = parts[at - 1].removesuffix(number[0]) + _noun(said, rest, tongue)
                parts[at] = ""
                continue
        quoted = mark == "“" or (mark == '"' and not quoted)
    return "".join(parts)


def _noun(said: str, rest: str, tongue: Tongue) -> str:
    """English has the singular before a noun: "a twelve inch pizza"."""
    singular = tongue.code == "en" and re.match(r" [a-z]{3}", rest)
    return said.removesuffix("es") if singular and said.endswith("inches") else said
