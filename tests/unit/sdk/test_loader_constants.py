"""An engine's table of weights may be written with the file's own constants."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor_engine import Weights
from stentor_engine.loader import engine_class, engine_declarations

ENGINE = """
import nothing_of_that_name
from stentor_engine import Settings, SpeechEngine, Weights

HUB = "maker/model"
FILES: tuple[str, ...] = ("a.json", "b.bin")
MORE = (*FILES, *("c", "d"))

class X(SpeechEngine):
    name = "x"
    weights = WEIGHTS
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "constants.py"
    sys.modules.pop("stentor_engines_constants", None)


def declared(path: Path, weights: str) -> object:
    path.write_text(ENGINE.replace("WEIGHTS", weights))
    (found,) = engine_declarations(path)
    return found.weights


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("Weights(HUB)", Weights("maker/model")),
        ("Weights(HUB, files=FILES)", Weights("maker/model", files=("a.json", "b.bin"))),
        ("Weights(HUB, 'r', MORE)", Weights("maker/model", "r", ("a.json", "b.bin", "c", "d"))),
        ("Weights(files=(*FILES, 'c'))", Weights(files=("a.json", "b.bin", "c"))),
    ],
)
def test_what_is_told_is_true(file: Path, call: str, made: Weights) -> None:
    assert declared(file, f"{{'n': ({call},)}}") == {"n": (made,)}
    file.write_text(file.read_text().replace("import nothing_of_that_name", ""))
    assert engine_class(file, "x").weights == {"n": (made,)}


@pytest.mark.parametrize(
    "weights",
    [
        '{"n": (Weights(ELSEWHERE),)}',
        '{"n": (Weights(HUB + "x"),)}',
        '{"n": (*HUB.split("/"),)}',
        "{**HUB}",
        "CIRCLE\nCIRCLE = CIRCLE",
        "CIRCLE\nCIRCLE = (*CIRCLE,)",
    ],
)
def test_anything_else_is_not_declared(file: Path, weights: str) -> None:
    assert declared(file, weights) == {}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("('en', 'de')", ("en", "de")),
        ("MORE", ("a.json", "b.bin", "c", "d")),
        ("{'n': MORE, 'm': ('en',)}", {"n": ("a.json", "b.bin", "c", "d"), "m": ("en",)}),
        ("{'n': 'en', 'm': ('en',)}", {"m": ("en",)}),
        ("'en'", ()),
        ("('en', 5)", ()),
        ("spoken()", ()),
    ],
)
def test_languages_are_told_in_the_same_way(file: Path, written: str, told: object) -> None:
    file.write_text(ENGINE.replace("weights = WEIGHTS", f"languages = {written}"))
    (found,) = engine_declarations(file)
    assert found.languages == told
