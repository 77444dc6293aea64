"""What keys may hold, and what they lie in."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainSerializer,
)

NEVER = "never"
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(value: object) -> object:
    """Seconds from `90`, `"90s"`, `"10m"`, `"500ms"` or `"2h"`; what is no string is left as it
    is. Raises ValueError.
    """
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(ms|s|m|h|)\s*", value)
    if found is None:
        raise ValueError(f'{value!r} is no duration: give seconds, or such as "90s", "10m", "2h"')
    return float(found[1]) * _UNITS[found[2]]


def parse_size(value: object) -> object:
    """As `parse_duration`, of bytes: pydantic itself takes the 50 of "50%"."""
    size = r"\s*(\d+\.?\d*|\.\d+)\s*([kmgtp]?i?b|)\s*"
    if isinstance(value, str | int | float) and not re.fullmatch(size, str(value), re.IGNORECASE):
        raise ValueError(f'{value!r} is no size: give bytes, or such as "6GB", "512MiB"')
    return value


def parse_device_of_budget(value: str) -> str:
    """Raises ValueError."""
    if not re.fullmatch(r"ram|mps|cuda:\d+", value):
        raise ValueError(f"{value!r} is no device: there are ram, cuda:0, cuda:1, …")
    return value


def parse_checksum(value: object) -> object:
    """As `parse_duration`, in small letters."""
    if not isinstance(value, str):
        return value
    if value and not re.fullmatch(r"sha256:[0-9a-f]{64}", value, re.IGNORECASE):
        raise ValueError(f"{value!r} is no checksum: give sha256: and 64 hexadecimal digits")
    return value.lower()


def parse_language(value: str) -> str:
    """The primary tag of a language: `de` of `de-AT` or `German`. Raises ValueError."""
    # Imported only here: hardly any configuration names one.
    from stentor.text.language_tags import language_tag, primary

    tag = language_tag(value)
    if tag is None:
        raise ValueError(f"{value!r} is no language: give such as de, en")
    return primary(tag)


def parse_idle(value: object) -> object:
    """As `parse_duration`; infinite for `"never"`."""
    return math.inf if value == NEVER else parse_duration(value)


Idle = Annotated[
    float,
    BeforeValidator(parse_idle, json_schema_input_type=float | str),
    Field(ge=0),
    PlainSerializer(lambda value: NEVER if math.isinf(value) else value, when_used="json"),
]
Checksum = Annotated[str, BeforeValidator(parse_checksum)]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Size = Annotated[ByteSize, BeforeValidator(parse_size)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
