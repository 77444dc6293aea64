"""Whose configuration a file is, told by what is in it."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

from stentor.cli.imports import env_file

Source = Literal["local-ai", "yapit", "voice-stack"]
SOURCES: tuple[Source, ...] = get_args(Source)
PROCESSOR = ("processor", "backend", "worker_url", "runpod_endpoint_id")
VARIABLES = ("ASR_", "TTS_")
"""Voice Stack's begin so."""


def parsed(text: str) -> Any:
    """What stands in JSON. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def recognised(text: str) -> Source | None:
    try:
        data = parsed(text)
    except ValueError:
        variables = env_file.parsed(text).values
        return "voice-stack" if any(key.startswith(VARIABLES) for key in variables) else None
    if isinstance(data, list) and any(_has(each, PROCESSOR) for each in data):
        return "yapit"
    if isinstance(data, dict):
        cards = data.get("models")
        entries = cards if isinstance(cards, list) else list(data.values())
        wanted = ("id",) if isinstance(cards, list) else ("container",)
        return "local-ai" if any(_has(each, wanted) for each in entries) else None
    return None


def _has(entry: object, keys: tuple[str, ...]) -> bool:
    return isinstance(entry, dict) and any(key in entry for key in keys)
