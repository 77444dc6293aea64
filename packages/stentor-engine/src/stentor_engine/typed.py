"""From JSON values to the types that our messages declare; nothing is taken for what it is not."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import MalformedFrame

_PLAIN = (str, int, bool, type(None))


def typed(kind: Any, value: Any) -> Any:
    """The value as `kind`; raises MalformedFrame when it is not one.

    A kind is Any, str, int, float, bool, None, a Literal, a tuple (a list in JSON), a Mapping from
    str, a dataclass of such, or a union of them. An int is also a float; a bool is neither.
    """
    origin = get_origin(kind)
    if kind is Any or (kind in _PLAIN and type(value) is kind):
        return value
    if kind is float and type(value) in (int, float):
        return _float(value)
    if origin is Literal and value in get_args(kind):
        return value
    if origin in (Union, types.UnionType):
        return _any_of(get_args(kind), value)
    if origin is tuple and isinstance(value, list | tuple):
        return _tuple(get_args(kind), value)
    if origin is Mapping and isinstance(value, dict):
        return {name: typed(get_args(kind)[1], item) for name, item in value.items()}
    if is_dataclass(kind) and isinstance(value, dict):
        return _record(kind, value)
    raise MalformedFrame(f"a {type(value).__name__} is of a wrong type")


def field(data: Mapping[str, Any], name: str, kind: Any, default: Any = MISSING) -> Any:
    """The named value as `kind`; null is as good as missing. Raises MalformedFrame."""
    value = data.get(name)
    if value is None:
        if default is MISSING:
            raise MalformedFrame(f"'{name}' is missing")
        return default
    try:
        return typed(kind, value)
    except MalformedFrame as error:
        raise MalformedFrame(f"'{name}': {error}") from error


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise MalformedFrame("a number beyond all bounds") from error


def _any_of(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        try:
            return typed(kind, value)
        except MalformedFrame:
            continue
    raise MalformedFrame(f"a {type(value).__name__} is of a wrong type")


def _tuple(kinds: tuple[Any, ...], value: Sequence[Any]) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(kinds) != len(value):
        raise MalformedFrame(f"{len(value)} values where {len(kinds)} are due")
    return tuple(typed(kind, item) for kind, item in zip(kinds, value, strict=True))


def _record(kind: Any, value: dict[str, Any]) -> Any:
    """Fields that are not known here belong to a newer SDK, and do not matter."""
    hints = _hints(kind)
    return kind(**{f.name: field(value, f.name, hints[f.name], _default(f)) for f in fields(kind)})


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
