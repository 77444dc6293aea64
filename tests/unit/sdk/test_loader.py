from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor_engine import ConversionEngine, LoadFailed, Settings, SpeechEngine, TranscriptionEngine
from stentor_engine.loader import engine_class, engine_declarations, engine_names

ENGINE = '''
from __future__ import annotations
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from stentor_engine import (
    Capabilities, ConversionEngine, Settings, SpeechEngine, TranscriptionEngine
)

Pieces = Iterator[int]  # is all but a class for Python 3.10

@dataclass
class Notes:
    """A class that looks up its module, as dataclasses with postponed annotations do."""
    text: ClassVar[str] = ""
    count: int = 0

class First(SpeechEngine):
    name = "first"
    def __init__(self, settings):
        self.capabilities = Capabilities("speech", 8_000)
    def synthesize(self, call):
        yield None

class Second(TranscriptionEngine):
    name: ClassVar[str] = "second"
    def __init__(self, settings): ...
    def transcribe(self, call):
        yield None

class Third(First):
    name = "third"

class Last(ConversionEngine):
    name = "last"
    def __init__(self, settings): ...
    def convert(self, call):
        yield None

class Base(SpeechEngine):
    label = "fourth"
    name: ClassVar[str]
    def synthesize(self, call):
        name = "fifth"
        yield None
'''


@pytest.fixture
def engine_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "some_engine.py"
    file.write_text(ENGINE)
    yield file
    sys.modules.pop("stentor_engines_some_engine", None)


def test_names_are_read_without_running_anything(engine_file: Path) -> None:
    engine_file.write_text("import nothing_of_that_name\n" + ENGINE + "\nraise SystemExit\n")
    assert engine_names(engine_file) == ("first", "second", "third", "last")


@pytest.mark.parametrize(
    "content",
    [b"", b"def", b"\0", b"\xff\xfe", b"(" * 100_000, b"name = 'x'", b"x" + b"+x" * 50_000],
)
def test_what_is_not_an_engine_has_no_names(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.py"
    file.write_bytes(content)
    assert engine_names(file) == ()


def test_what_cannot_be_read_has_no_names(tmp_path: Path) -> None:
    lock = tmp_path / ".#engine.py"
    lock.symlink_to(tmp_path / "gone")  # as an editor leaves beside the file it edits
    assert engine_names(lock) == ()
    assert engine_names(tmp_path) == ()


@pytest.mark.parametrize("name", ["first", "second", "third", "last"])
def test_the_class_is_found_by_its_engine_name(engine_file: Path, name: str) -> None:
    found = engine_class(engine_file, name)
    assert found.name == name
    assert found.__name__.lower() == name


def test_the_class_works(engine_file: Path) -> None:
    assert engine_class(engine_file, "first")(Settings()).capabilities.sample_rate == 8_000


@pytest.mark.parametrize("name", ["fourth", "fifth", "Notes", ""])
def test_no_such_engine(engine_file: Path, name: str) -> None:
    with pytest.raises(LoadFailed, match="defines no engine"):
        engine_class(engine_file, name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            "\nimport nothing_of_that_name",
            r"ModuleNotFoundError: No module named 'nothing_of_that_name' \(line 2\); what brings "
            "it belongs into `dependencies` at the file's top$",
        ),
        (
            "from beside.more import thing",
            r"No module named 'beside' \(line 1\); files beside an engine's cannot be imported$",
        ),
        ("raise SystemExit(3)", r"SystemExit: 3 \(line 1\)$"),
        ("\n\ndef", r"SyntaxError: invalid syntax \(line 3\)$"),
        ("def f():\n    1 / 0\nf()", r"ZeroDivisionError: division by zero \(line 2\)$"),
    ],
)
def test_a_file_that_cannot_be_imported(engine_file: Path, content: str, why: str) -> None:
    (engine_file.parent / "beside").mkdir()
    engine_file.write_text(content)
    with pytest.raises(LoadFailed, match=why):
        engine_class(engine_file, "first")


def test_a_class_that_is_no_engine_is_told(engine_file: Path) -> None:
    engine_file.write_text("class Mine:\n    name = 'first'")
    with pytest.raises(LoadFailed, match="'first': its class Mine is no SpeechEngine, Transcr"):
        engine_class(engine_file, "first")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="not a Python file"):
        engine_class(tmp_path / "engine.txt", "first")
    with pytest.raises(LoadFailed, match="FileNotFoundError"):
        engine_class(tmp_path / "gone.py", "first")


@pytest.mark.parametrize(
    ("code", "task", "quality"),
    [
        ("class X(SpeechEngine):\n name = 'x'\n quality = 80", "speech", 80),
        ("class X(TranscriptionEngine):\n name = 'x'", "transcription", 50),
        ("class X(ConversionEngine):\n name = 'x'", "conversion", 50),
        ("class X(stentor_engine.SpeechEngine):\n name = 'x'\n quality: int = 0", "speech", 0),
        (
            "from stentor_engine import SpeechEngine as Base\n"
            "class X(Base):\n name = 'x'\n quality = 100",
            "speech",
            100,
        ),
        (
            "class A(TranscriptionEngine):\n quality = 7\n"
            "class B(Mixin, A): ...\n"
            "class X(B):\n name = 'x'\n quality: ClassVar[int]",
            "transcription",
            7,
        ),
        (
            "class A(SpeechEngine):\n quality = 7\nclass X(A):\n name = 'x'\n quality = N",
            "speech",
            50,
        ),
        ("class X(SpeechEngine):\n name = 'x'\n quality = 101", "speech", 50),
        ("class X(SpeechEngine):\n name = 'x'\n quality = -1", "speech", 50),
        ("class X(SpeechEngine):\n name = 'x'\n quality = True", "speech", 50),
        ("class X(SpeechEngine):\n name = 'x'\n quality = '9'", "speech", 50),
        ("class X(elsewhere.Base):\n name = 'x'\n quality = 9", None, 9),
        ("class X(made()):\n name = 'x'", None, 50),
        ("class X(Generic[T], SpeechEngine):\n name = 'x'", "speech", 50),
        ("class X(X):\n name = 'x'", None, 50),
        ("class A(X): ...\nclass X(A):\n name = 'x'", None, 50),
    ],
)
def test_what_can_be_told_without_running_it(
    engine_file: Path, code: str, task: str | None, quality: int
) -> None:
    engine_file.write_text("import nothing_of_that_name\n" + code)
    (declared,) = engine_declarations(engine_file)
    assert (declared.name, declared.task, declared.quality) == ("x", task, quality)


def test_what_is_told_is_true(engine_file: Path) -> None:
    for declared in engine_declarations(engine_file):
        found = engine_class(engine_file, declared.name)
        assert declared.task is not None
        base = {
            "speech": SpeechEngine,
            "transcription": TranscriptionEngine,
            "conversion": ConversionEngine,
        }[declared.task]
        assert issubclass(found, base)
        assert found.quality == declared.quality
