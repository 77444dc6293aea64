"""How one language says numbers: num2words and CLDR behind one face."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from num2words import CONVERTER_CLASSES

from .table import Endings, Table
from .tables import TABLES

_TAG = re.compile(
    r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?(?:[-_].*)?", re.DOTALL
)

# Languages of num2words 0.5.14 that gave words for every cardinal that was tried, up to the limit
# below, and that CLDR has names for. Only non-negative integers are asked of it: a decimal or a
# negative number is put together here. Japanese is left out for its years by era, Serbian for
# a wrong milliard, Amharic for 1 234 567, from which it never comes back.
_CODES = (
    "ar be ca cs da de en es fa fi fr he hu id is it ko lt lv nl no pl pt ro ru sk sl sv "
    "th tr uk vi"
)
_KNOWN = frozenset(_CODES.split())
_SAME = {"nb": "no", "nn": "no", "in": "id", "iw": "he"}
_REGIONAL = {("pt", "BR"): "pt_BR", ("fr", "CH"): "fr_CH", ("fr", "BE"): "fr_BE"}
_UNSPACED = frozenset({"th"})

_SPACES = " \u00a0\u202f"

_MOST_DIGITS = 12
"""Longer numbers are read digit by digit: nobody follows a quadrillion."""

# Some converters of num2words keep what they are doing in themselves.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, eq=False)
class Tongue:
    """A language with number words. `table` is empty for those without hand-made words."""

    code: str
    locale: Locale
    table: Table
    speaker: str

    @property
    def spaced(self) -> bool:
        """Whether the language puts spaces between its words."""
        return self.code not in _UNSPACED

    @property
    def groups(self) -> str:
        """What may separate thousands besides spaces, as a class of characters."""
        group = self._symbol("group")
        return "" if group in _SPACES else re.escape(group)

    @property
    def decimal(self) -> str:
        return self._symbol("decimal")

    @property
    def number(self) -> str:
        """The pattern of an unsigned number."""
        return _number_pattern(self.groups, self.decimal)

    def _symbol(self, name: str) -> str:
        symbols = self.locale.number_symbols
        return str(symbols.get("latn", {}).get(name, "." if name == "decimal" else ","))

    def cardinal(self, digits: str) -> str:
        """Digits in words; one by one with a zero before others, or where they are too many."""
        if len(digits) > _MOST_DIGITS or (digits[0] == "0" and len(digits) > 1):
            return self.spell(digits)
        return _said(self.speaker, "cardinal", int(digits))

    def spell(self, digits: str) -> str:
        return " ".join(_said(self.speaker, "cardinal", int(digit)) for digit in digits)

    def ordinal(self, number: int) -> str:
        # num2words has no ordinal of zero for every language.
        return _said(self.speaker, "ordinal" if number else "cardinal", number)

    def year(self, number: int) -> str:
        first, behind = self.table.years
        kind = "year" if first <= number < behind else "cardinal"
        words = _said(self.speaker, kind, number)
        return words.replace("hundred and ", "hundred ") if kind == "year" else words

    def amount(self, text: str) -> str | None:
        """A number as `number` matches it, in words; None without a word for the point."""
        whole, fraction = self.parts(text)
        if not fraction:
            return self.cardinal(whole)
        if not (point := self.table.point or self._point()):
            return None
        grouped = self.table.grouped_fraction and len(fraction) < 4 and fraction[0] != "0"
        said = self.cardinal(fraction) if grouped else self.spell(fraction)
        return f"{self.cardinal(whole)} {point} {said}"

    def parts(self, text: str) -> tuple[str, str]:
        """The digits before and behind the decimal sign."""
        whole, sign, fraction = text.partition(self.decimal)
        if not sign and (found := re.fullmatch(r"(\d+)\.(\d{1,2}|\d{4,})", text)):
            whole, fraction = found.groups()
        return "".join(filter(str.isdecimal, whole)), fraction

    def minus(self) -> str:
        word = self.table.minus or str(getattr(CONVERTER_CLASSES[self.speaker], "negword", ""))
        return word.strip() if word[:1].isalpha() else ""

    def _point(self) -> str:
        word = getattr(CONVERTER_CLASSES[self.speaker], "pointword", "")
        return word if isinstance(word, str) and word[:1].isalpha() else ""

    def currency(self, code: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The short names of a currency and of its hundredths by plural forms, if known."""
        if code in self.table.currencies:
            return self.table.currencies[code]
        forms = getattr(CONVERTER_CLASSES[self.speaker], "CURRENCY_FORMS", {}).get(code)
        return (tuple(forms[0]), tuple(forms[1])) if forms else None

    def form(self, text: str, forms: tuple[str, ...]) -> str:
        """The plural form that goes with a number."""
        whole, fraction = self.parts(text)
        if fraction:
            return forms[1]
        plural = self.locale.plural_form(int(whole[-9:]))
        if plural == "one":
            return forms[0]
        return forms[1] if plural == "few" else forms[-1]


def tongue_of(tag: str | None) -> Tongue | None:
    """The tongue of a BCP-47 tag; None where the libraries have no words for its numbers."""
    found = _TAG.fullmatch(tag or "")
    return _tongue(found[1].lower(), (found[2] or "").upper()) if found else None


@lru_cache(maxsize=128)
def _tongue(code: str, region: str) -> Tongue | None:
    code = _SAME.get(code, code)
    if code not in _KNOWN:
        return None
    try:
        locale = Locale(code, region or None)
    except UnknownLocaleError:
        locale = Locale(code)
    speaker = _REGIONAL.get((code, region), code)
    return Tongue(code, locale, TABLES.get(code, Table()), speaker)


@lru_cache(maxsize=10_000)
def _said(speaker: str, kind: str, number: int) -> str:
    with _ONE_AT_A_TIME:
        words: str = getattr(CONVERTER_CLASSES[speaker], f"to_{kind}")(number)
    return " ".join(words.replace(",", "").split())


@cache
def _number_pattern(groups: str, decimal: str) -> str:
    point = re.escape(decimal)
    # A point with one or two digits behind it is a decimal point everywhere.
    foreign = r"|\.(?:\d{1,2}|\d{4,})(?![\d.])" if decimal != "." else ""
    fraction = rf"(?:{point}\d+{foreign})?"
    # Spaces group thousands everywhere (ISO 80000-1), unless other digits follow.
    spaced = rf"[1-9]\d{{0,2}}(?:[{_SPACES}]\d{{3}})+(?![{_SPACES}]?\d)(?:{point}\d+)?"
    signed = rf"[1-9]\d{{0,2}}(?:[{groups}]\d{{3}})+(?!\d)(?:{point}\d+)?" if groups else "(?!)"
    return rf"(?:{spaced}|{signed}|\d+{fraction})"


def with_ending(words: str, endings: Endings, *, every: bool = False) -> str:
    """The words with the ending of the last one, or of every one, exchanged."""
    found = words.split(" ")
    for at in range(0 if every else len(found) - 1, len(found)):
        for old, new in endings:
            if found[at].endswith(old):
                found[at] = found[at].removesuffix(old) + new
                break
    return " ".join(found)
