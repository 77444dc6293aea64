"""What keys may hold, and what they lie in."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

NEVER = "never"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(value: object) -> object:
    """Seconds from `90`, `"90s"`, `"10m"`, `"500ms"` or `"2h"`; anything else is left as it is."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([\d.]+)\s*(ms|s|m|h)\s*", value)):
        return float(found[1]) * _UNITS[found[2]]
    return value


def parse_idle(value: object) -> object:
    """As `parse_duration`; infinite for `"never"`."""
    return math.inf if value == NEVER else parse_duration(value)


Idle = Annotated[
    float,
    BeforeValidator(parse_idle, json_schema_input_type=float | str),
    Field(ge=0),
    PlainSerializer(lambda value: NEVER if math.isinf(value) else value, when_used="json"),
]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
