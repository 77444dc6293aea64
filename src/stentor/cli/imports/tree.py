"""What an import makes: tables of `stentor.toml`, with what there is to say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Value = str | int | float | bool | Sequence[str] | Mapping[str, str | int | float | bool]
Table = Mapping[str, Value]


@dataclass(frozen=True)
class Note:
    """A comment. `lost`: of something that is not carried over, which is told on stderr too."""

    text: str
    lost: bool = False


@dataclass(frozen=True)
class Backend:
    keys: Table
    """None where there is not even a table to write as a comment; it is refused then."""
    notes: tuple[Note, ...] = ()
    refused: str = ""
    """Why it cannot be written but as a comment, if so."""


@dataclass(frozen=True)
class ImportedModel:
    name: str
    keys: Table
    backends: tuple[Backend, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Section:
    name: str
    keys: Table
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Imported:
    source: str
    """What the file belongs to, in words."""
    sections: tuple[Section, ...] = ()
    models: tuple[ImportedModel, ...] = ()
    notes: tuple[Note, ...] = ()


def lost(text: str) -> Note:
    return Note(text, lost=True)
