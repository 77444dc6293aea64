"""The parameters of its own that an engine declares, and the check of a client's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .errors import InvalidCall

OptionValue = str | int | float | bool

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass(frozen=True)
class Option:
    """One parameter. `minimum` and `maximum` are inclusive; `choices` empty: any value."""

    name: str
    type: Literal["string", "integer", "number", "boolean"]
    default: OptionValue
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> OptionValue:
        """Return the value; raise InvalidCall when it is not one that this option takes."""
        if not isinstance(value, _TYPES[self.type]) or (
            isinstance(value, bool) and self.type != "boolean"
        ):
            raise InvalidCall(f"option '{self.name}' must be a {self.type}")
        assert isinstance(value, str | int | float)
        if self.choices and value not in self.choices:
            raise InvalidCall(f"option '{self.name}' must be one of: {', '.join(self.choices)}")
        if not isinstance(value, str):
            self._check_range(value)
        return value

    def _check_range(self, value: float) -> None:
        low = -float("inf") if self.minimum is None else self.minimum
        high = float("inf") if self.maximum is None else self.maximum
        if abs(value) == float("inf"):
            raise InvalidCall(f"option '{self.name}' must be finite")
        if not low <= value <= high:  # also refuses NaN
            raise InvalidCall(f"option '{self.name}' must be between {low:g} and {high:g}")


def complete_options(
    declared: Iterable[Option], *given: Mapping[str, object]
) -> dict[str, OptionValue]:
    """A checked value for every declared option; later mappings go before earlier ones.

    Raises InvalidCall for an unknown name or a bad value.
    """
    options = {option.name: option for option in declared}
    values: dict[str, OptionValue] = {name: option.default for name, option in options.items()}
    for mapping in given:
        for name, value in mapping.items():
            if name not in options:
                known = ", ".join(sorted(options)) or "none"
                raise InvalidCall(f"unknown option '{name}'; this model's options: {known}")
            values[name] = options[name].check(value)
    return values
