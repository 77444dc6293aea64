"""Which files there are to transcribe, and how long they are."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError

from stentor.audio.decode import CONTAINERS
from stentor.cli.failure import UsageError

STDIN = "-"

SUFFIXES = re.compile(
    r"\.("
    r"aac|ac3|aif|aiff|amr|ape|au|caf|dts|flac|m4a|m4b|mka|mp2|mp3|mpga|oga|ogg|opus|spx"
    r"|tta|voc|w64|wav|weba|wma|wv|"
    r"3gp|asf|avi|flv|m2ts|m4v|mkv|mov|mp4|mpeg|mpg|mts|ogv|ts|vob|webm|wmv"
    r")",
    re.IGNORECASE,
)
"""Of audio and video, as they are looked for in folders."""


@dataclass(frozen=True)
class Source:
    """A file to transcribe. `within`: its place below the folder that was named; its name, where
    it was named itself.
    """

    path: Path
    within: Path

    @property
    def is_stdin(self) -> bool:
        return str(self.path) == STDIN


def sources(given: Iterable[Path]) -> list[Source]:
    """Files as they are, and the audio and video of folders, each file once. Raises UsageError
    where a folder has none, and OSError for one that cannot be read.
    """
    found: dict[Path, Source] = {}
    for path in given:
        for source in _below(path) if path.is_dir() else [Source(path, Path(path.name))]:
            found.setdefault(source.path.resolve(), source)
    return list(found.values())


def _below(folder: Path) -> list[Source]:
    files = sorted(
        path
        for path in folder.rglob("*")
        if SUFFIXES.fullmatch(path.suffix) and not path.name.startswith(".") and path.is_file()
    )
    if not files:
        raise UsageError(f"{folder} holds no audio or video")
    return [Source(path, path.relative_to(folder)) for path in files]


@contextmanager
def seekable(source: Source) -> Iterator[Path]:
    """The file, or a copy of what comes from stdin or a pipe: reading audio needs to seek."""
    if not source.is_stdin and not source.path.is_fifo():
        yield source.path
        return
    with tempfile.NamedTemporaryFile(prefix="stentor-") as spool:
        if source.is_stdin:
            shutil.copyfileobj(sys.stdin.buffer, spool)
        else:
            with source.path.open("rb") as pipe:
                shutil.copyfileobj(pipe, spool)
        spool.flush()
        yield Path(spool.name)


def duration(path: Path) -> float | None:
    """Seconds, as the file's header tells; None where it does not, or is none that can be read:
    whoever reads the audio will find out.
    """
    try:
        with (
            path.open("rb") as file,
            av.open(file, "r", container_options={"format_whitelist": CONTAINERS}) as container,
        ):
            return None if container.duration is None else container.duration / av.time_base
    except (FFmpegError, OSError, ValueError):
        return None
