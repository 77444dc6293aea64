"""The words of speech and their times: on stderr as they come, or in a file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from stentor.cli.failure import UsageError
from stentor.cli.files import whole_file
from stentor.text.spacing import columns, space_between
from stentor.text.subtitles import VTT_HEAD, Cue, Cues, srt, vtt
from stentor.types import Rendered, Segment, Word

MOST_WORDS = 100
"""That are cut into subtitles at once, if no sentence ends before."""


class Shown:
    """Words on stderr: as a running text on a terminal, else as lines of start, end and word."""

    def __init__(self, *, running: bool) -> None:
        self._running = running
        self._column = 0
        self._before = ""

    def show(self, word: Word) -> None:
        if not self._running:
            start, end = times(word)
            print(f"{start:.3f} {end:.3f} {word.text}", file=sys.stderr, flush=True)
            return
        text = space_between(self._before, word.text) + word.text
        if self._column + columns(text) > shutil.get_terminal_size().columns:
            text, self._column = f"\n{text.lstrip()}", 0
        self._before = word.text
        self._column += columns(text.strip("\n"))
        print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._column:
            print(file=sys.stderr, flush=True)
            self._column = 0


class WordsFile(Protocol):
    """Texts to write one after the other."""

    def add(self, word: Word) -> str: ...
    def finish(self) -> str: ...


class JsonWords:
    def __init__(self) -> None:
        self._before = '{"words": ['

    def add(self, word: Word) -> str:
        start, end = times(word)
        told = json.dumps({"word": word.text, "start": start, "end": end}, ensure_ascii=False)
        before, self._before = self._before, ","
        return f"{before}\n  {told}"

    def finish(self) -> str:
        return f"{self._before.rstrip(',')}\n]}}\n"


class Subtitles:
    """Of one sentence after the other."""

    def __init__(self, kind: Literal["srt", "vtt"]) -> None:
        self._kind = kind
        self._head = VTT_HEAD if kind == "vtt" else ""
        self._words: list[Word] = []
        self._cues = Cues()
        self._count = 0
        self._end = 0.0

    def add(self, word: Word) -> str:
        self._words.append(word)
        self._end = times(word)[1]
        ends = word.text.rstrip("\"'”’»)]」』").endswith(
            (".", "!", "?", "…", "。", "！", "？", "।")
        )
        return self._sentence() if ends or len(self._words) == MOST_WORDS else ""

    def finish(self) -> str:
        rest = self._sentence()
        return rest + self._written(self._cues.finish(self._end + 1.0))

    def _sentence(self) -> str:
        words, self._words = tuple(self._words), []
        if not words:
            return self._written([])
        text = ""
        for word in words:
            text += space_between(text, word.text) + word.text
        segment = Segment(text, words[0].start, self._end, words)
        return self._written(self._cues.push(segment))

    def _written(self, cues: list[Cue]) -> str:
        head, self._head = self._head, ""
        return head + "".join(self._numbered(cues))

    def _numbered(self, cues: list[Cue]) -> Iterator[str]:
        for cue in cues:
            self._count += 1
            yield srt(self._count, cue) if self._kind == "srt" else vtt(cue)


KINDS: dict[str, Callable[[], WordsFile]] = {
    ".srt": lambda: Subtitles("srt"),
    ".vtt": lambda: Subtitles("vtt"),
    ".json": JsonWords,
}


def words_file(path: Path) -> WordsFile:
    """By its suffix. Raises UsageError."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"'{path}': words are written to {', '.join(KINDS)}")
    return kind()


class Kept:
    """Words on their way into a file, if there is one. `any`: there were some."""

    def __init__(self, words: WordsFile | None = None, file: BinaryIO | None = None) -> None:
        self.any = False
        self._words = words
        self._file = file

    async def through(self, pieces: AsyncIterator[Rendered]) -> AsyncGenerator[Rendered, None]:
        """The same pieces."""
        async for piece in pieces:
            self.any |= bool(piece.words)
            if self._words is not None:
                self._write("".join(map(self._words.add, piece.words)))
            yield piece

    def finish(self) -> None:
        if self._words is not None:
            self._write(self._words.finish())

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text.encode("utf-8", "replace"))


@contextmanager
def kept_words(path: Path | None) -> Iterator[Kept]:
    """Raises UsageError for an unknown suffix, and OSError."""
    if path is None:
        yield Kept()
        return
    words = words_file(path)
    with whole_file(path) as file:
        yield Kept(words, file)


def times(word: Word) -> tuple[float, float]:
    """Start and end in seconds, to the millisecond."""
    return round(word.start, 3), round(word.start if word.end is None else word.end, 3)
