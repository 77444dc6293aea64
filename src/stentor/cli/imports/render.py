"""An import as the text of `stentor.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tomlkit

from stentor.cli.imports.settle import live
from stentor.cli.imports.tree import Backend, Imported, ImportedModel, Note, Section, Table

CONTROL = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What no comment may hold, what would end a line for some, and what turns text around."""

MARK = "(!)"


def rendered(found: Imported, name: str) -> str:
    """`name`: of the file that it was read from."""
    head = [
        f"Written by `stentor config import` from {name}, of {found.source}.",
        f"{MARK} is before what was not carried over, or needs a look.",
    ]
    parts = [_comments(head), _comments(_texts(found.notes))]
    parts += [_section(section) for section in found.sections]
    parts += [part for model in found.models for part in _model(model)]
    return "\n".join(part for part in parts if part)


def one_line(text: str) -> str:
    """What a comment or a terminal can show of it."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _section(section: Section) -> str:
    return _comments(_texts(section.notes)) + _dumped([section.name], _table(section.keys))


def _model(model: ImportedModel) -> Iterator[str]:
    text = _dumped(["models", model.name], _table(model.keys))
    yield _comments(_texts(model.notes)) + (text if live(model) else _commented(text))
    for backend in model.backends:
        yield _backend(model, backend)


def _backend(model: ImportedModel, backend: Backend) -> str:
    notes = [*_texts(backend.notes)]
    if backend.refused:
        notes.append(f"{MARK} Not served: {backend.refused}")
    if not backend.keys:
        return _comments(notes)
    table = tomlkit.aot()
    table.append(_table(backend.keys))
    text = _dumped(["models", model.name, "backends"], table)
    return _comments(notes) + (_commented(text) if backend.refused else text)


def _table(keys: Table) -> Any:
    table = tomlkit.table()
    for key, value in keys.items():
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update(value)
            table.add(key, inline)
        else:
            table.add(key, value)
    return table


def _dumped(path: Sequence[str], leaf: Any) -> str:
    """A document of that one table, or array of tables, only."""
    for key in reversed(path[1:]):
        outer = tomlkit.table(is_super_table=True)
        outer.add(key, leaf)
        leaf = outer
    document = tomlkit.document()
    document.add(path[0], leaf)
    return tomlkit.dumps(document).strip("\n") + "\n"


def _commented(text: str) -> str:
    """No line of TOML that we write holds another one: strings are written in one."""
    return "".join(f"# {line}\n" for line in text.rstrip("\n").split("\n"))


def _comments(lines: Iterable[str]) -> str:
    return "".join(f"# {one_line(line)}\n" for line in lines)


def _texts(notes: Iterable[Note]) -> Iterator[str]:
    for note in notes:
        yield f"{MARK} {note.text}" if note.lost else note.text
