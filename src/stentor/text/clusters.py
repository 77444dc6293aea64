"""Where one visible character ends and the next begins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_EXTENDS = re.compile(
    "[\u0e33\u0eb3\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_VOWEL_BEFORE_CONSONANT = re.compile("[\u0e40-\u0e44\u0ec0-\u0ec4]")
_REGION = re.compile("[\U0001f1e6-\U0001f1ff]")
_PAIR = re.compile(
    "[\ud800-\udbff][\udc00-\udfff]"  # halves of one character
    "|[\u1100-\u115f\ua960-\ua97c][\u1100-\u11a7\ua960-\ua97c\uac00-\ud7a3]"  # Hangul, in letters
    "|[\u1160-\u11a7\ud7b0-\ud7c6\uac00-\ud7a3][\u1160-\u11ff\ud7b0-\ud7fb]"
    "|[\u11a8-\u11ff\ud7cb-\ud7fb][\u11a8-\u11ff\ud7cb-\ud7fb]"
)
_JOINER = "\u200d"
_VIRAMA_CLASS = 9


def joined(before: str, after: str) -> bool:
    """Whether two neighbouring characters belong together, of whatever came earlier.

    These are the extended grapheme clusters of Unicode's UAX 29 as far as the properties in
    `unicodedata` tell them, with Thai and Lao vowels kept at the consonant that they are written
    before. Flags need to be counted: see `cluster_ends`.
    """
    if after < "\u0300" or unicodedata.category(before) in ("Cc", "Zl", "Zp"):
        return before == "\r" and after == "\n"
    return (
        unicodedata.category(after).startswith("M")
        or before == _JOINER
        or _EXTENDS.match(after) is not None
        or _PAIR.match(before + after) is not None
        or _VOWEL_BEFORE_CONSONANT.match(before) is not None
        or (unicodedata.combining(before) == _VIRAMA_CLASS and after.isalpha())
    )


def cluster_ends(text: str, start: int, stop: int) -> Iterator[int]:
    """The offsets within (start, stop] where a cluster ends; one begins at `start`."""
    flag_open = False
    for at in range(start + 1, stop + 1):
        if at == len(text):
            yield at
            return
        flag_open = not flag_open and _REGION.match(text, at - 1) is not None
        if flag_open and _REGION.match(text, at):
            continue
        if not joined(text[at - 1], text[at]):
            yield at
