"""What pydantic finds wrong, in words for whoever wrote it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def worded(mistake: Mapping[str, Any]) -> str:
    """Of one entry of `ValidationError.errors()`; without its place."""
    match mistake["type"]:
        case "extra_forbidden":
            return "there is no such key"
        case "missing":
            return "it must be given"
        case "union_tag_invalid":
            context = mistake["ctx"]
            return f"its kind is {context['tag']!r}, which is none of {context['expected_tags']}"
        case "list_type":
            given = mistake["input"]
            shown = json.dumps(given.split()) if isinstance(given, str) else '["…"]'
            return f"it has to be a list, as {shown}"
        case _:
            return str(mistake["msg"]).removeprefix("Value error, ")


def place(mistake: Mapping[str, Any]) -> str:
    """The key that it is in, as the configuration writes it."""
    return ".".join(_parts(mistake["loc"]))


def _parts(loc: tuple[str | int, ...]) -> Iterator[str]:
    """Without the tags that pydantic sets after the index of one of several kinds."""
    kinds = ("engine", "process", "container")
    for index, part in enumerate(loc):
        if not (index > 1 and loc[index - 2] == "backends" and part in kinds):
            yield str(part)
