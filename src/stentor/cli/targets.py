"""Where transcripts go. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from stentor.cli.failure import UsageError
from stentor.cli.media import Source

STDOUT = "-"


@dataclass(frozen=True)
class Task:
    """A file, and a target for each format; none at all: the one format goes to stdout."""

    source: Source
    targets: Mapping[str, Path] = field(default_factory=dict)


def chosen_formats(given: Sequence[str], file: Path | None, known: Sequence[str]) -> list[str]:
    """Those that were asked for, each once; else the one of the suffix of the file to write; else
    the first of the known ones. Raises UsageError.
    """
    for name in given:
        if name not in known:
            raise UsageError(f"'{name}' is not a format; there are {', '.join(known)}")
    if given:
        return list(dict.fromkeys(given))
    suffix = file.suffix.removeprefix(".").lower() if file else ""
    if suffix and suffix not in known:
        raise UsageError(f"'.{suffix}' is no format; choose one with -f: {', '.join(known)}")
    return [suffix or known[0]]


def plan(
    sources: Sequence[Source],
    formats: Sequence[str],
    output: Path | None,
    *,
    many: bool,
    folder: bool,
) -> list[Task]:
    """`many`: there are, or could be, several transcripts; else there is one source and one format.
    `folder`: the output is one, or is to become one. Raises UsageError.
    """
    if str(output) == STDOUT and many:
        raise UsageError("stdout takes one format of one file; name a folder with -o")
    if str(output) == STDOUT or (output is None and not many):
        return [Task(sources[0])]
    if output is not None and not folder:
        if output.absolute() == sources[0].path.absolute():
            raise UsageError(f"{output} is what is to be heard; name another file with -o")
        return [Task(sources[0], {formats[0]: output})]
    if output is None and any(source.is_stdin for source in sources):
        raise UsageError("what comes from stdin has no place of its own: name a folder with -o")
    return _in_folders(sources, formats, output)


def _in_folders(
    sources: Sequence[Source], formats: Sequence[str], output: Path | None
) -> list[Task]:
    """Beside their sources, or in the output folder as their sources are in theirs."""
    places = [_place(source, output) for source in sources]
    alike = Counter(place.with_suffix("") for place in places)
    taken = {source.path.absolute() for source in sources}
    tasks = []
    for source, place in zip(sources, places, strict=True):
        # talk.wav and talk.mp3 cannot both become talk.txt.
        stems = _stems(place, short=alike[place.with_suffix("")] == 1)
        named = ({name: Path(f"{stem}.{name}") for name in formats} for stem in stems)
        targets = next(each for each in named if not taken & _absolute(each))
        taken |= _absolute(targets)
        tasks.append(Task(source, targets))
    return tasks


def _stems(place: Path, *, short: bool) -> Iterator[Path]:
    """What a transcript may be called, without its suffix: without end."""
    if short:
        yield place.with_suffix("")
    yield place
    for number in count(2):
        yield place.with_name(f"{place.name}.{number}")


def _absolute(targets: Mapping[str, Path]) -> set[Path]:
    return {path.absolute() for path in targets.values()}


def _place(source: Source, output: Path | None) -> Path:
    name = Path("stdin") if source.is_stdin else source.within
    return source.path if output is None else output / name
