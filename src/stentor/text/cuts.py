"""Where a text may be cut, and what a listener hears there."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from .clusters import cluster_ends, joined


class Boundary(enum.IntEnum):
    """What follows a piece of text, weakest first; the joiner makes its pause from it."""

    FORCED = 0
    """A cut for length where nobody would pause."""
    CLAUSE = 1
    SENTENCE = 2
    PARAGRAPH = 3
    END = 4


@dataclass(frozen=True)
class Cut:
    """Visible text ends at `stop`; behind white space, the next piece starts at `end`."""

    stop: int
    end: int
    boundary: Boundary


PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n|[\f\u2029]")
_SPACE = re.compile(r"\s*")

_CLOSERS = "\"'’”»)\\]"
_CLAUSE = re.compile(
    # An abbreviation's period before a comma ("e.g., this") means that no clause ends there.
    rf"(?:(?<!\.)[,;:،؛·፣፤፥–—)\]]|\s-|…|\.\.\.)[{_CLOSERS}]*(?=\s)"
    # Full width needs no space, but groups digits too.
    r"|(?:(?<!\d)[、，；：]|[、，；：](?!\d)|…{2,}|—{2,})[」』）】”’》〉]*"
    # Thai, Lao, Burmese and Khmer put spaces between phrases, not between words.
    r"|(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])(?=\s+[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])"
)
_NEWLINE = re.compile(r"\n")
_BETWEEN_WORDS = re.compile(r"(?<!\d)\s+|\s+(?!\d)")  # not inside "10 000"

_WIDE = "\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_NEVER_FIRST = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞヽヾ・ー"
_BETWEEN_WIDE = re.compile(
    rf"(?<=[{_WIDE}])(?![{_NEVER_FIRST}])(?=\w)|(?<=[^\W\d])(?![{_NEVER_FIRST}])(?=[{_WIDE}])"
)

_HANGS = frozenset(".,;:!?…%·،؛؟।॥、。，；：！？")


def past_space(text: str, at: int) -> int:
    """The first offset from `at` on that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def cut_at(text: str, at: int, boundary: Boundary) -> Cut:
    """The cut at an offset, with the white space around it; its boundary may prove stronger."""
    stop, end = at, past_space(text, at)
    while stop and text[stop - 1].isspace():
        stop -= 1
    if end == len(text):
        boundary = Boundary.END
    elif PARAGRAPH_BREAK.search(text, stop, end):
        boundary = Boundary.PARAGRAPH
    if at < end < len(text) and joined(text[end - 1], text[end]):
        end -= 1  # a mark without a letter keeps its space
    return Cut(stop, end, boundary)


def cuts_inside(text: str, start: int, stop: int) -> Iterator[list[Cut]]:
    """The places to cut inside a sentence with visible text up to `stop`, the best kind first.

    The last kind is between any two clusters: offsets where nothing reads well.
    """
    yield _found(_CLAUSE, Boundary.CLAUSE, text, start, stop)
    yield _found(_NEWLINE, Boundary.CLAUSE, text, start, stop)
    yield _found(_BETWEEN_WORDS, Boundary.FORCED, text, start, stop)
    yield _found(_BETWEEN_WIDE, Boundary.FORCED, text, start, stop)
    yield [cut_at(text, at, Boundary.FORCED) for at in cluster_ends(text, start, stop)]


def _found(
    kind: re.Pattern[str], boundary: Boundary, text: str, start: int, stop: int
) -> list[Cut]:
    # One character more, as a pattern cannot look past the end that it is given.
    matches = kind.finditer(text, start, min(stop + 1, len(text)))
    cuts = (cut_at(text, match.end(), boundary) for match in matches)
    return [cut for cut in cuts if start < cut.stop <= stop and reads_well(text, cut)]


def reads_well(text: str, cut: Cut) -> bool:
    """No closing mark begins the next piece, no opening one ends this one, no cluster is torn."""
    if cut.end == len(text):
        return True
    last, following = text[cut.stop - 1], text[cut.end]
    return not (
        following in _HANGS
        or unicodedata.category(following) in ("Pe", "Pf")
        or unicodedata.category(last) in ("Ps", "Pi")
        or joined(text[cut.end - 1], following)
    )
