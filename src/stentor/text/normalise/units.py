"""Numbers with a unit or a percent sign, by the long names of CLDR."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_decimal
from babel.units import format_unit

from .counted import counted
from .tongue import Tongue

_MOST_DIGITS = 12

_UNITS = {
    "%": "concentr-percent",
    "‰": "concentr-permille",
    "mm": "length-millimeter",
    "cm": "length-centimeter",
    "m": "length-meter",
    "km": "length-kilometer",
    "µm": "length-micrometer",
    "nm": "length-nanometer",
    "mi": "length-mile",
    "ft": "length-foot",
    "yd": "length-yard",
    "mg": "mass-milligram",
    "g": "mass-gram",
    "kg": "mass-kilogram",
    "t": "mass-tonne",
    "lb": "mass-pound",
    "lbs": "mass-pound",
    "oz": "mass-ounce",
    "ml": "volume-milliliter",
    "mL": "volume-milliliter",
    "cl": "volume-centiliter",
    "l": "volume-liter",
    "L": "volume-liter",
    "m²": "area-square-meter",
    "km²": "area-square-kilometer",
    "ha": "area-hectare",
    "m³": "volume-cubic-meter",
    "°": "angle-degree",
    "°C": "temperature-celsius",
    "℃": "temperature-celsius",
    "°F": "temperature-fahrenheit",
    "℉": "temperature-fahrenheit",
    "km/h": "speed-kilometer-per-hour",
    "m/s": "speed-meter-per-second",
    "mph": "speed-mile-per-hour",
    "kB": "digital-kilobyte",
    "KB": "digital-kilobyte",
    "MB": "digital-megabyte",
    "GB": "digital-gigabyte",
    "TB": "digital-terabyte",
    "Hz": "frequency-hertz",
    "kHz": "frequency-kilohertz",
    "MHz": "frequency-megahertz",
    "GHz": "frequency-gigahertz",
    "W": "power-watt",
    "kW": "power-kilowatt",
    "MW": "power-megawatt",
    "kWh": "energy-kilowatt-hour",
    "kcal": "energy-kilocalorie",
    "V": "electric-volt",
    "mA": "electric-milliampere",
    "hPa": "pressure-hectopascal",
    "h": "duration-hour",
    "min": "duration-minute",
    "s": "duration-second",
    "ms": "duration-millisecond",
}
_SHORT = tuple(dict.fromkeys(_UNITS.values()))
_ONE_LETTER = frozenset("мглт")
"""Single letters of other scripts that are units; the others are words too."""


def speak_units(text: str, tongue: Tongue) -> str:
    """The unit in full, in the plural form of its number; unknown ones stay."""
    return _pattern(tongue).sub(lambda found: _measure(found, tongue), text)


def _measure(found: re.Match[str], tongue: Tongue) -> str:
    return measure(found["number"], _symbols(tongue)[found["unit"]], tongue) or found[0]


def measure(number: str, unit: str, tongue: Tongue) -> str | None:
    """A number in digits and a unit of CLDR in words; None where there are none."""
    whole, fraction = tongue.parts(number)
    if len(whole) + len(fraction) > _MOST_DIGITS:
        return None
    said = _phrase(Decimal(f"{whole}.{fraction or 0}" if fraction else whole), unit, tongue)
    words = said and counted(number, _phrase(Decimal(1), unit, tongue).replace("{} ", ""), tongue)
    return said.replace("{}", words, 1) if words else None


@lru_cache(maxsize=4096)
def _phrase(value: Decimal, unit: str, tongue: Tongue) -> str:
    """The unit's name with {} where the number stands; empty where CLDR has none."""
    phrase = format_unit(value, unit, "long", locale=tongue.locale)
    number = format_decimal(value, locale=tongue.locale)
    phrase = phrase.replace(number, "{}", 1).replace("\u00a0", " ").replace("\u202f", " ")
    # Babel answers an unknown unit with its identifier.
    known = (
        "{}" in phrase
        and unit not in phrase
        and not any(char.isdigit() or char in "%٪‰°" for char in phrase)
    )
    return phrase if known else ""


@lru_cache(maxsize=128)
def _symbols(tongue: Tongue) -> dict[str, str]:
    """The signs of a language: those of science, and the short forms of CLDR."""
    symbols = {}
    for unit in _SHORT:
        for length in ("narrow", "short"):
            short = format_unit(5, unit, length, locale=tongue.locale)
            sign = short.replace(format_decimal(5, locale=tongue.locale), "").strip()
            if sign and unit not in sign and (len(sign) > 1 or sign in _ONE_LETTER):
                symbols[sign] = unit
    return symbols | _UNITS


@lru_cache(maxsize=128)
def _pattern(tongue: Tongue) -> re.Pattern[str]:
    signs = "|".join(re.escape(sign) for sign in sorted(_symbols(tongue), key=len, reverse=True))
    return re.compile(rf"(?<![\w.,/])(?P<number>{tongue.number})[ -]?(?P<unit>{signs})(?![\w²³/])")
