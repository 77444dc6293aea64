"""What an engine declares of itself, checked; a mistake is told in words for its author."""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import Any, get_type_hints

from .contract import Capabilities
from .errors import LoadFailed, MalformedFrame
from .typed import typed

SHOWN = 80
"""Characters of a value."""


def declared(engine: object) -> Capabilities:
    """Its capabilities, each of the type that the contract names; raises LoadFailed."""
    capabilities = getattr(engine, "capabilities", None)
    if not isinstance(capabilities, Capabilities):
        raise LoadFailed("its __init__ does not set `self.capabilities = Capabilities(...)`")
    kinds = get_type_hints(Capabilities)
    for each in fields(Capabilities):
        value = getattr(capabilities, each.name)
        try:
            typed(kinds[each.name], _plain(value))
        except MalformedFrame as error:
            shown, within = repr(value), f" ({error})" if str(error).startswith("'") else ""
            shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
            raise LoadFailed(
                f"its capabilities have {each.name} = {shown}, which has to be "
                f"{_words(each)}{within}"
            ) from error
    return capabilities


def _plain(value: Any) -> Any:
    """As it goes over the wire."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _words(field: Any) -> str:
    kind = str(field.type)
    return '"speech", "transcription" or "conversion"' if kind == "Task" else kind
