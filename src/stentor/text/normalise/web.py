"""Addresses of the web and of mail, spoken as one spells them to somebody."""

from __future__ import annotations

import re

from .tongue import Tongue

_LOCAL = r"[\w.+%-]{1,64}"
_HOST = r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_TOP = "com|org|net|io|dev|app|info|edu|gov|eu|uk|de|fr|nl|pl|ru"
_REST = r"[^\s<>\"«»“”„]*[\w/]"
_ADDRESS = re.compile(
    rf"(?<![\w.+%-]){_LOCAL}@{_HOST}"
    rf"|(?<!\w)(?:https?://|www\.){_REST}"
    rf"|(?<![\w.@/-])(?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{_TOP})(?![\w@]|\.\w)(?:/{_REST})?"
)
_SCHEME = re.compile(r"https?://")
_PIECE = re.compile(r"\d+|[^\W\d_]+|.", re.DOTALL)


def speak_addresses(text: str, tongue: Tongue) -> str:
    """The signs of addresses in words; "https://" is dropped, as nobody says it."""
    if not tongue.table.web or ("." not in text and "://" not in text):
        return text
    return _ADDRESS.sub(lambda found: _speak(found[0], tongue), text)


def _speak(address: str, tongue: Tongue) -> str:
    bare = _SCHEME.sub("", address, count=1) or address
    pieces = _PIECE.findall(bare.removesuffix("/") or bare)
    return " ".join(_piece(piece, tongue) for piece in pieces)


def _piece(piece: str, tongue: Tongue) -> str:
    if piece[0].isdecimal():
        return tongue.spell(piece)
    return "w w w" if piece == "www" else tongue.table.web.get(piece, piece)
