"""What German does with its numbers and no other language does."""

from __future__ import annotations

import re

from stentor.text.language import LITTLE_WORDS

from .tongue import Tongue

_DECADE = re.compile(r"(?<![\w.,/-])['’]?(\d{2}|[12]\d{3})er(?![\w-])")
_NOUN = r"(?P<noun>[A-ZÄÖÜ][a-zäöüß]+)(?!\w)"
_ONE = re.compile(rf"(?<![\w.,/:–-])(?<![\w.,/:–-] )1 (?={_NOUN})")
_ONE_AFTER = re.compile(rf"(?P<before>(?<!\w)[a-zäöüß]+[,:]? )1 (?={_NOUN})")
# Before the sign or the code of a currency it is money.
_SCALE = re.compile(
    r"(?<![\w.,])(\d{1,9}(?:,\d{1,3})?) (Mio|Mrd)\.?(?= (?![A-Z]{3}(?!\w))[^\W\d_])"
)
_HALF = re.compile(rf"(?<![\w.,/])(?P<whole>\d{{1,6}} ?)?(?:(?<![\d])1/2|½) (?={_NOUN})")

_FEMININE = re.compile(
    r".+(?:e|ung|heit|keit|schaft|ion|tät|ik|ur)"
    r"|Person|Nacht|Stadt|Hand|Frau|Mutter|Tochter|Wand|Zahl|Bank|Kuh|Tür|Gabel|Nummer|Art|Maus"
)
_OTHERS = (
    "Käse Junge Name Kunde Auge Ende Gebäude Löwe Affe Hase Bulle Kollege Gedanke Buchstabe Glaube "
    "Wille Interesse Getränk Gemüse Gebirge Erbe Neffe Pate Zeuge Experte Pole Franzose Chinese "
    "Sprung Dung Abitur Stadion"
)
_NOT_FEMININE = frozenset(_OTHERS.split())
_HALVES = {
    "er": "Liter Meter Kilometer Zentimeter Tag Monat Apfel Löffel Teelöffel Esslöffel Becher "
    "Würfel Bund",
    "es": "Kilo Kilogramm Gramm Pfund Jahr Glas Stück Dutzend Brot Prozent Blatt Ei",
}
_HALF_OF = {noun: ending for ending, nouns in _HALVES.items() for noun in nouns.split()}


def speak_german(text: str, tongue: Tongue) -> str:
    """Decades ("neunziger"), one and a half before a noun, in the nominative; the gender is told
    by the noun's ending, or it stays "ein"."""
    if tongue.code != "de":
        return text
    text = _DECADE.sub(lambda found: tongue.year(int(found[1])) + "er", text)
    text = _SCALE.sub(lambda found: _scaled(found, tongue), text)
    text = _HALF.sub(lambda found: _half(found, tongue), text)
    text = _ONE_AFTER.sub(lambda found: found["before"] + _one(found["noun"], tongue), text)
    return _ONE.sub(lambda found: _one(found["noun"], tongue), text)


def _scaled(found: re.Match[str], tongue: Tongue) -> str:
    one, many = tongue.table.scales[found[2]]
    return f"eine {one}" if found[1] == "1" else f"{found[1]} {many}"


def _one(noun: str, tongue: Tongue) -> str:
    if noun in tongue.table.scales:
        return "1 "
    if noun.lower() in LITTLE_WORDS["de"]:
        return "eins "
    return "eine " if _feminine(noun) else "ein "


def _half(found: re.Match[str], tongue: Tongue) -> str:
    noun = found["noun"]
    if found["whole"]:
        whole = tongue.cardinal(found["whole"].strip())
        return f"{whole.removesuffix('s') if whole == 'eins' else whole}einhalb "
    if noun in _HALF_OF:
        return f"ein halb{_HALF_OF[noun]} "
    return "eine halbe " if _feminine(noun) else found[0]


def _feminine(noun: str) -> bool:
    return noun not in _NOT_FEMININE and _FEMININE.fullmatch(noun) is not None
