"""Any text of a client in one safe, canonical form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from unicodedata import combining, is_normalized, normalize

_LINE_END = re.compile("[\r\v\f\x85\u2028]")

# Invisible formatting: a soft hyphen, bidi controls and isolates, a byte order mark, word
# joiners, invisible operators, annotation anchors, controls of shorthand and of music.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]+"
)

_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

# What stands for a gap without being a plain space: white space, controls, zero-width spaces,
# lone surrogates, private use, noncharacters.
_GAP = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ud800-\uf8ff\ufdd0-\ufdef"
    "\ufffe\uffff\U000f0000-\U0010ffff]+"
)

# Joiners shape the scripts from Hebrew to Mongolian and join emoji; elsewhere they are dust.
_JOINERS = re.compile("[\u200c\u200d]+")
_SHAPED = re.compile(
    "[\u0590-\u1cff\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]"
)

# Tags behind a black flag spell a region; elsewhere they are hidden text.
_TAGS = "\U000e0001\U000e0020-\U000e007f"
_HIDDEN_TAGS = re.compile(f"(?<![\U0001f3f4{_TAGS}])[{_TAGS}]+")

_MANY_MARKS = re.compile(r"[^\w\s\x00-\x7f]{33,}")


def clean(text: str) -> str:
    """The canonical form of a text: NFC, with nothing invisible in it that no script needs.

    Lines end in a newline, runs of spaces are one space, at most two newlines follow each other,
    and nothing blank is at either end. Letters, marks, numbers, symbols and punctuation stay in
    canonical order; a control between words leaves a space, so that they do not fuse.

    Idempotent, takes linear time, and can be had paragraph by paragraph: where neither comes out
    empty, `clean(a + "\\n\\n" + b)` is `clean(a) + "\\n\\n" + clean(b)`.
    """
    text = _LINE_END.sub("\n", text.replace("\r\n", "\n"))
    if not text.isascii():
        text = _SURROGATE_PAIR.sub(_one_char, text)
        text = _INVISIBLE.sub("", text.replace("\u2029", "\n\n"))
    text = _GAP.sub(" ", text)
    if not text.isascii():
        text = _composed(_HIDDEN_TAGS.sub("", text))
        text = _composed(_JOINERS.sub(_needed_joiner, text))
    text = re.sub("  +", " ", text).replace(" \n", "\n").replace("\n ", "\n")
    return re.sub("\n\n\n+", "\n\n", text).strip(" \n")


def _one_char(pair: re.Match[str]) -> str:
    return pair.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _needed_joiner(joiners: re.Match[str]) -> str:
    start, end = joiners.span()
    text = joiners.string
    needed = start and _SHAPED.match(text, start - 1) and _SHAPED.match(text, end)
    return text[start] if needed else ""


def _composed(text: str) -> str:
    """NFC in linear time: CPython sorts marks by insertion, in quadratic time for a long row."""
    if is_normalized("NFC", text):
        return text
    return normalize("NFC", _MANY_MARKS.sub(_in_canonical_order, text))


def _in_canonical_order(marks: re.Match[str]) -> str:
    """The same marks, sorted by the Canonical Ordering Algorithm (Unicode, D109)."""
    decomposed = "".join(normalize("NFD", char) for char in marks.group())
    return "".join(_sorted_runs(decomposed))


def _sorted_runs(marks: str) -> Iterator[str]:
    for movable, run in groupby(marks, key=lambda char: combining(char) > 0):
        chars = list(run)
        yield from sorted(chars, key=combining) if movable else chars
