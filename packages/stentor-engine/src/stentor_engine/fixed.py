"""Options that are set when a model is loaded, and cannot differ between its calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .errors import InvalidCall
from .options import OptionValue


def require_unchanged(
    call: Mapping[str, OptionValue], model: Mapping[str, OptionValue], names: Iterable[str]
) -> None:
    """Raises InvalidCall for one of those options that the call sets otherwise than the model."""
    for name in names:
        if call[name] != model[name]:
            raise InvalidCall(f"option '{name}' can only be set for the model")
