"""Text in lines of about equal length."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from stentor.text.spacing import columns, unspaced


def balanced(text: str, most: int) -> list[str]:
    """As few lines as `most` columns allow, and those as narrow as they can be. A word that is
    wider than a line keeps a line of its own. `text` has no other white space than single spaces.
    """
    pieces = list(_pieces(text))
    count = len(_starts(pieces, most))
    if count < 2:
        return [text] if text else []
    narrow = bisect_left(range(most), True, key=lambda n: len(_starts(pieces, n + 1)) <= count) + 1
    starts = _starts(pieces, narrow)
    ends = [*starts[1:], len(pieces)]
    return ["".join(pieces[a:b]).strip() for a, b in zip(starts, ends, strict=True)]


def line_count(text: str, most: int) -> int:
    """How many lines `balanced` makes of it."""
    return len(_starts(list(_pieces(text)), most))


def _starts(pieces: Sequence[str], most: int) -> list[int]:
    """Where lines begin that take as many pieces as they can, but for the space at a line's end."""
    starts: list[int] = []
    width = 0
    for at, piece in enumerate(pieces):
        if not starts or width + columns(piece.rstrip()) > most:
            starts.append(at)
            width = 0
        width += columns(piece)
    return starts


def _pieces(text: str) -> Iterator[str]:
    """What no line is broken in: words, with the space after them; letters of scripts without
    spaces; either with the punctuation that belongs to them.
    """
    piece = ""
    for part in re.findall(r"\S+ *", text):
        for unit in _units(part):
            if piece and _may_break(piece, unit):
                yield piece
                piece = ""
            piece += unit
    if piece:
        yield piece


def _units(word: str) -> Iterator[str]:
    unit = ""
    for char in word:
        if unit and char != " " and (unspaced(char) or unspaced(unit[-1])):
            yield unit
            unit = ""
        unit += char
    yield unit


def _may_break(before: str, after: str) -> bool:
    if all(_closes(char) for char in after.strip()):
        return False
    return unicodedata.category(before.strip()[-1]) not in ("Ps", "Pi")


def _closes(char: str) -> bool:
    """Punctuation that does not begin a line."""
    return unicodedata.category(char) in ("Pe", "Pf", "Po") and char not in "¿¡&@#%*\"'"
