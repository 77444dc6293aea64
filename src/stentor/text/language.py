"""Which language a text is probably in, as far as its script tells."""

from __future__ import annotations

import unicodedata
from collections import Counter

_SAMPLE = 300

# The first word of a character's Unicode name says its script.
_BY_SCRIPT = {
    "ARABIC": "ar",
    "ARMENIAN": "hy",
    "BENGALI": "bn",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "DEVANAGARI": "hi",
    "ETHIOPIC": "am",
    "GREEK": "el",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "HANGUL": "ko",
    "HEBREW": "he",
    "HIRAGANA": "ja",
    "KANNADA": "kn",
    "KATAKANA": "ja",
    "MALAYALAM": "ml",
    "MYANMAR": "my",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
}


def guess_language(text: str) -> str:
    """The likeliest language of the first letters as an ISO 639-1 code; "en" for Latin script.

    A guess for choosing rules of punctuation: it cannot tell languages of one script apart.
    """
    if text.isascii():
        return "en"
    letters = [char for char in text[:_SAMPLE] if char.isalpha()]
    counts = Counter(_BY_SCRIPT.get(_script(char), "en") for char in letters)
    if not counts:
        return "en"
    best = counts.most_common(1)[0][0]
    return "ja" if best == "zh" and counts["ja"] else best


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
