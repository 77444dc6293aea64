"""Where sentences end, found only as far into a text as somebody asks."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

from .clusters import joined
from .cuts import PARAGRAPH_BREAK, Boundary, Cut, cut_at, reads_well
from .language import guess_language

_BLOCK = 2000
# Where the paragraph goes on, the rest of the block is only looked at, enough for most quotations
# to close: sentencex ends no sentence inside of one. (Its time grows with the square of a block.)
_SETTLED = 1400
_NEXT_WORD = 40

_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")

# sentencex 1.0.32 panics at an initial before white space of several bytes ("B\u00a0."), and
# refuses lone surrogates.
_INDIGESTIBLE = re.compile(r"[^\S\t\n\r ]|[\ud800-\udfff]")
_ENCLOSING = str.maketrans(dict.fromkeys("\"'`“”„‟«»‹›‘’‚‛「」『』《》()（）[]【】{}<>•", " "))

# Abbreviations that sentencex 1.0.32 takes for the end of a sentence. A wrong entry only joins
# two sentences.
_ABBREVIATIONS = frozenset(
    ("акад", "доц", "им", "млн", "млрд", "рис", "стр", "табл", "exa", "godz", "inż", "डॉ", "पं")
)
_ABBREVIATED = re.compile(r"([^\s.,;:!?()«»\"“”„'’/-]+)\.\s*$")

# "Wo?" fragt er. Lower case, or a particle, behind a quotation or an ellipsis goes on with it.
_MAY_GO_ON = re.compile(r"""(?:["'’”“»«)\]]|…|\.\.\.)\s*$""")
_LOWER_NEXT = re.compile(r"(?:[—–-]\s*)?([^\W\d_])")
_QUOTED = re.compile("[」』”]$")
_PARTICLE = re.compile("と(?!ても|ころ|にかく|きどき)|って|なんて|라고|하고|라며")

# German writes ordinal numbers with a period, before nouns that are written with a capital.
_GERMAN_ORDINAL = re.compile(
    r"(?<!\w)(?i:am|im|der|das|dem|den|des|vom|zum|zur|beim)\s\d{1,3}\.\s*$"
)


class SentenceEnds:
    """The sentence ends of one text, in order. `language` is a BCP-47 tag; None is guessed."""

    def __init__(self, text: str, language: str | None) -> None:
        self._text = text
        tag = _LANGUAGE_TAG.fullmatch(language or "")
        self._language = tag and tag.group(1).lower()
        self._read = 0
        self._cuts: deque[Cut] = deque()

    def between(self, start: int, stop: int) -> list[Cut]:
        """The ends behind `start`, all those up to `stop` and perhaps more. `start` only grows."""
        while self._read < min(stop, len(self._text)):
            self._read_block()
        while self._cuts and self._cuts[0].end <= start:
            self._cuts.popleft()
        return list(self._cuts)

    def inside(self, start: int, stop: int) -> list[Cut]:
        """The ends in (start, stop] that `between` leaves out: in quotations, brackets, items."""
        block = self._text[start : stop + _NEXT_WORD]
        bare = block.translate(_ENCLOSING)
        cuts = []
        for at in self._ends(bare):
            # An opening quotation mark goes with what it opens.
            while at and bare[at - 1] != block[at - 1]:
                at -= 1
            cuts.append(cut_at(self._text, start + at, Boundary.SENTENCE))
        return [cut for cut in cuts if start < cut.stop <= stop and reads_well(self._text, cut)]

    def _read_block(self) -> None:
        text, start = self._text, self._read
        stop = min(start + _BLOCK, len(text))
        gap = PARAGRAPH_BREAK.search(text, start, stop)
        block = text[start : gap.start() if gap else stop]
        ends = list(self._ends(block))
        if gap or stop == len(text):
            ends.append(len(block))
        else:
            ends = [at for at in ends if at <= _SETTLED]
        for at in ends:
            cut = cut_at(text, start + at, Boundary.SENTENCE)
            if not self._cuts or self._cuts[-1].end < cut.end:
                self._cuts.append(cut)
            self._read = cut.end
        if not ends:
            self._read += block.rfind(" ", 1, _SETTLED) + 1 or _SETTLED

    def _ends(self, block: str) -> Iterator[int]:
        """The offsets in a block at which a sentence ends and another one begins."""
        language = self._language or guess_language(block)
        for sentence in get_sentence_boundaries(language, _INDIGESTIBLE.sub(" ", block)):
            at = sentence["end_index"]
            if at == len(block) or joined(block[at - 1], block[at]):
                continue
            if not (
                _goes_on(block, at) or _is_quoted_on(block, at) or _counts(language, block, at)
            ):
                yield at


def _goes_on(text: str, at: int) -> bool:
    """Whether what looks like a sentence end is an abbreviation or an initial."""
    found = _ABBREVIATED.search(text, max(0, at - _NEXT_WORD), at)
    if found is None:
        return False
    word, following = found.group(1), text[at]
    if word.casefold() in _ABBREVIATIONS:
        return True
    return word.isalpha() and (
        len(word) == 1
        or (len(word) <= 3 and following.islower())
        or (len(word) <= 4 and following.isdecimal())
    )


def _is_quoted_on(text: str, at: int) -> bool:
    """Whether a quotation or an ellipsis ends here, but not the sentence around it."""
    if unicodedata.category(text[at]) in ("Pe", "Pf"):
        return True
    before = text[max(0, at - _NEXT_WORD) : at]
    if _QUOTED.search(before) and _PARTICLE.match(text, at):
        return True
    following = _LOWER_NEXT.match(text, at)
    return bool(following and following[1].islower() and _MAY_GO_ON.search(before))


def _counts(language: str, text: str, at: int) -> bool:
    before = text[max(0, at - _NEXT_WORD) : at]
    return language == "de" and _GERMAN_ORDINAL.search(before) is not None
