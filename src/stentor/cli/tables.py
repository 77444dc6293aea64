"""Lists: tables on a terminal, tab-separated lines elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

MIB = 2**20


class Size(int):
    """Bytes, of which people are shown MiB, in a column that is named without its `_bytes`."""

    def __str__(self) -> str:
        return mebibytes(self)


def mebibytes(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= 10 * MIB else f"{size / MIB:.1f} MiB"


Row = dict[str, Any]
"""Values that are text, numbers, booleans, None, or lists of text."""

MOST_LISTED = 4
"""Entries of a list that a table shows."""


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """To stdout. All rows have the same keys, which are the columns."""
    if as_json:
        print(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        _table(rows)
    else:
        for row in rows:
            print(tab_separated(row))


def tab_separated(row: Row) -> str:
    """Lists with commas; nothing for what is not known."""
    return "\t".join(" ".join(_cell(value, most=None).split()) for value in row.values())


def _cell(value: Any, *, most: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Size) and most is None:
        return str(int(value))
    if isinstance(value, list):
        more = len(value) - most if most is not None else 0
        rest = [f"and {more} more"] if more > 0 else []
        return ("," if most is None else ", ").join([*value[:most], *rest])
    return str(value)


def _table(rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name.removesuffix("_bytes").capitalize(), overflow="fold")
    for row in rows:
        # Text: what stands in brackets must not be taken for markup.
        table.add_row(*(Text(_cell(value, most=MOST_LISTED)) for value in row.values()))
    Console().print(table)
