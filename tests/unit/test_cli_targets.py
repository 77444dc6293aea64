from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.cli.failure import UsageError
from stentor.cli.media import SUFFIXES, Source
from stentor.cli.targets import Task, chosen_formats, plan

FORMATS = ("txt", "srt", "vtt", "json")
OUT = Path("out")
NAMES = st.sampled_from(["a.wav", "a.mp3", "a.b.wav", "a", "a.txt", "d/a.wav", "d/e/b.srt", "c"])


def sources(*names: str) -> list[Source]:
    return [Source(Path("in") / name, Path(name)) for name in names]


def targets(tasks: list[Task]) -> list[str]:
    return [str(path) for task in tasks for path in task.targets.values()]


@pytest.mark.parametrize(
    ("given", "file", "chosen"),
    [
        ([], None, ["txt"]),
        ([], "a.srt", ["srt"]),
        ([], "a.JSON", ["json"]),
        ([], "noend", ["txt"]),
        (["vtt", "txt", "vtt"], "a.srt", ["vtt", "txt"]),
    ],
)
def test_formats(given: list[str], file: str | None, chosen: list[str]) -> None:
    assert chosen_formats(given, Path(file) if file else None, FORMATS) == chosen


def test_stdout_for_one_and_files_for_many() -> None:
    one = sources("a.wav")
    assert targets(plan(one, ["txt"], None, many=False, folder=False)) == []
    assert targets(plan(one, ["txt"], None, many=True, folder=False)) == ["in/a.txt"]
    both = plan(one, ["txt", "srt"], OUT, many=True, folder=True)
    assert targets(both) == ["out/a.txt", "out/a.srt"]
    assert targets(plan(one, ["srt"], Path("x.y"), many=False, folder=False)) == ["x.y"]


def test_files_that_would_get_one_name_keep_their_own() -> None:
    tasks = plan(sources("a.wav", "a.mp3", "b.wav"), ["txt"], OUT, many=True, folder=True)
    assert targets(tasks) == ["out/a.wav.txt", "out/a.mp3.txt", "out/b.txt"]


def test_a_transcript_does_not_replace_what_is_heard() -> None:
    with pytest.raises(UsageError):
        plan(sources("a.wav"), ["txt"], Path("in/a.wav"), many=False, folder=False)


def test_no_place_for_stdin() -> None:
    stdin = [Source(Path("-"), Path("-"))]
    with pytest.raises(UsageError):
        plan(stdin, ["txt", "srt"], None, many=True, folder=False)
    assert targets(plan(stdin, ["srt"], OUT, many=True, folder=True)) == ["out/stdin.srt"]


@given(
    st.lists(NAMES, min_size=1, unique=True),
    st.lists(st.sampled_from(FORMATS), min_size=1, unique=True),
    st.sampled_from([None, OUT, Path("in")]),
)
def test_no_target_is_a_source_or_another_target(
    names: list[str], formats: list[str], output: Path | None
) -> None:
    found = sources(*names)
    tasks = plan(found, formats, output, many=True, folder=True)
    written = targets(tasks)
    assert len(written) == len(set(written)) == len(names) * len(formats)
    assert not {str(source.path) for source in found} & set(written)


@pytest.mark.parametrize(
    ("suffix", "heard"),
    [
        (".wav", True),
        (".MP3", True),
        (".mkv", True),
        (".txt", False),
        ("", False),
        (".wavx", False),
    ],
)
def test_what_is_looked_for_in_folders(suffix: str, heard: bool) -> None:
    assert bool(SUFFIXES.fullmatch(suffix)) == heard
