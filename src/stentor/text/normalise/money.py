"""Amounts of money."""

from __future__ import annotations

import re
from functools import lru_cache

from babel.numbers import get_currency_name

from .counted import counted
from .tongue import Tongue

_CODES = "USD EUR GBP JPY CHF CNY INR RUB PLN BRL CAD AUD SEK NOK DKK CZK HUF TRY UAH MXN KRW"
_SIGNS = {
    "$": "USD",
    "US$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "HK$": "HKD",
    "NZ$": "NZD",
    "S$": "SGD",
    "NT$": "TWD",
    "MX$": "MXN",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₽": "RUB",
    "zł": "PLN",
    "₹": "INR",
    "₩": "KRW",
    "R$": "BRL",
    "₴": "UAH",
    "₺": "TRY",
    "Kč": "CZK",
    "руб.": "RUB",
} | {code: code for code in _CODES.split()}
_QUALIFIED = frozenset({"AUD", "CAD", "HKD", "NZD", "SGD"})
"""Whose short name is another currency's too."""
_CURRENCY = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_ANY = re.compile(_CURRENCY)


def speak_money(text: str, tongue: Tongue) -> str:
    if "¢" in text:
        text = _cents(tongue).sub(lambda found: _hundredths(found, tongue), text)
    if not _ANY.search(text):
        return text
    for pattern in _patterns(tongue):
        text = pattern.sub(lambda found: _amount(found, tongue), text)
    return text


def _amount(found: re.Match[str], tongue: Tongue) -> str:
    number, scale, code = found["number"], found["scale"], _SIGNS[found["sign"]]
    units, cents = _forms(code, tongue)
    whole, fraction = tongue.parts(number)
    said: str | None
    if scale:
        said = _scaled(number, scale, units[-1], tongue)
    elif len(fraction) == 2 and cents and tongue.table.cents:
        said = _with_cents(whole, fraction, units, cents, tongue)
    else:
        words = counted(number, units[0], tongue)
        said = words and f"{words} {tongue.form(number, units)}"
    return said or found[0]


def _with_cents(
    whole: str, fraction: str, units: tuple[str, ...], cents: tuple[str, ...], tongue: Tongue
) -> str:
    said = f"{counted(whole, units[0], tongue)} {tongue.form(whole, units)}"
    if fraction == "00":
        return said
    hundredths = fraction.lstrip("0")
    few = f"{counted(hundredths, cents[0], tongue)} {tongue.form(hundredths, cents)}"
    return f"{said}{tongue.table.cents}{few}" if int(whole) else few


def _hundredths(found: re.Match[str], tongue: Tongue) -> str:
    _, cents = _forms("USD", tongue)
    words = counted(found["number"], cents[0], tongue) if cents else None
    return f"{words} {tongue.form(found['number'], cents)}" if words else found[0]


def _scaled(number: str, scale: str, unit: str, tongue: Tongue) -> str | None:
    forms = tongue.table.scales[scale]
    words = counted(number, forms[0], tongue)
    link = tongue.table.of_scale[unit[0].lower() in "aeiouéè"]
    if len(forms) == 2 and forms[0] == forms[1]:
        link = " "  # a numeral, not a noun: "mil euros"
    if tongue.code == "de" and words == "ein":
        words = "eine"
    return words and f"{words} {tongue.form(number, forms)}{link}{unit}"


@lru_cache(maxsize=1024)
def _forms(code: str, tongue: Tongue) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A currency and its hundredths by plural forms; the latter only where they are known.

    num2words has the short names of speech ("dollars"), CLDR the long ones ("US dollars").
    """
    # 1, 3 and 5 are in CLDR's plural forms one, few and many, where a language has them.
    names = tuple(get_currency_name(code, count, tongue.locale) for count in (1, 3, 5))
    spoken = tongue.currency(code)
    if spoken and code in _QUALIFIED:
        return names, spoken[1] if tongue.table.cents else ()
    if not spoken or not tongue.table.cents:
        return names, ()
    return (names if all(map(str.isalpha, names)) else spoken[0]), spoken[1]


@lru_cache(maxsize=128)
def _cents(tongue: Tongue) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,])(?P<number>{tongue.number}) ?¢(?!\w)")


@lru_cache(maxsize=128)
def _patterns(tongue: Tongue) -> tuple[re.Pattern[str], re.Pattern[str]]:
    scales = sorted(tongue.table.scales, key=len, reverse=True)
    named = "|".join(re.escape(scale) for scale in scales) or "(?!)"
    number = f"(?P<number>{tongue.number})"
    scale = rf"(?: ?(?P<scale>{named})(?!\w))?"
    sign = rf"(?P<sign>{_CURRENCY})"
    return (
        re.compile(rf"(?<![\w$]){sign} ?{number}(?!\d){scale}"),
        re.compile(rf"(?<![\w.,]){number}{scale} ?{sign}(?!\w)"),
    )
