"""Signs that stand for words."""

from __future__ import annotations

import re

from .tongue import Tongue

_BEFORE_NUMBER = re.compile(r"((?<!\w)#|[§≈±~]) ?(?=\d)")
_BETWEEN = re.compile(r"(?<=\w) ?([&@×÷=]|(?<=[\w ])\+) ?(?=\w)")
_HASHTAG = re.compile(r"(?<![\w&#])#(?=[^\W\d_])")


def speak_signs_before_numbers(text: str, tongue: Tongue) -> str:
    signs = tongue.table.signs
    return _BEFORE_NUMBER.sub(lambda found: _word(found, signs.get(found[1])), text)


def speak_signs(text: str, tongue: Tongue) -> str:
    """Signs between words; a row of them is left."""
    signs = tongue.table.signs
    if not signs:
        return text
    text = _HASHTAG.sub("hashtag ", text)
    return _BETWEEN.sub(lambda found: f" {signs[found[1]]} ", text)


def _word(found: re.Match[str], word: str | None) -> str:
    return f"{word} " if word else found[0]
