"""Server-sent events, in the form that OpenAI's clients read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def event(data: Mapping[str, Any]) -> bytes:
    """One event, named as its `type`."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()
