"""`chunking_strategy`: where speech begins and ends, and so where it may be cut."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from stentor.api.errors import first_mistake
from stentor.errors import InvalidRequest
from stentor.types import VadSettings

PARAM = "chunking_strategy"


class ServerVad(BaseModel):
    """OpenAI's fields, and its values for those that are not given."""

    type: Literal["server_vad"]
    prefix_padding_ms: Annotated[int, Field(ge=0, le=10_000)] = 300
    silence_duration_ms: Annotated[int, Field(ge=0, le=60_000)] = 200
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5


def vad_settings(strategy: str | None) -> VadSettings:
    """Of `auto` or nothing: our own. Raises InvalidRequest; `param` names the object's field."""
    if strategy in (None, "", "auto", '"auto"'):
        return VadSettings()
    try:
        vad = ServerVad.model_validate(json.loads(strategy))
    except ValidationError as error:
        message, field = first_mistake(error.errors())
        raise InvalidRequest(message, param=f"{PARAM}.{field}" if field else PARAM) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{PARAM}: neither auto nor a JSON object", param=PARAM) from error
    return VadSettings(
        threshold=vad.threshold,
        padding=vad.prefix_padding_ms / 1000,
        silence=vad.silence_duration_ms / 1000,
    )
