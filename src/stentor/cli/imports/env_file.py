"""Files of environment variables, as Docker and python-dotenv read them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from dotenv.parser import parse_stream


@dataclass(frozen=True)
class Environment:
    values: dict[str, str]
    """The last one of a name. Variables inside values are not replaced: they would be this
    machine's."""
    unread: tuple[int, ...] = ()
    """Numbers of the lines that are no assignments."""


def parsed(text: str) -> Environment:
    bindings = list(parse_stream(io.StringIO(text)))
    values = {each.key: each.value or "" for each in bindings if each.key is not None}
    return Environment(values, tuple(each.original.line for each in bindings if each.error))


def given(pairs: Iterable[str]) -> dict[str, str]:
    """From `KEY=VALUE`. Raises ValueError with the one that is none."""
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise ValueError(pair)
        values[key] = value
    return values
