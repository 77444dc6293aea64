"""Voices that are a mix of others, as Kokoro's users write them: `af_bella(2)+af_sky`."""

from __future__ import annotations

import re

_PART = re.compile(r"(?P<voice>[^()+]+)(?:\((?P<weight>\d+(?:\.\d+)?)\))?")
MOST = 16
"""Voices in a mix."""


def parse_blend(name: str) -> dict[str, float] | None:
    """Shares by voice, which add up to 1; None for what is no mix, a single voice included."""
    parts = name.split("+")
    if not 2 <= len(parts) <= MOST:
        return None
    weights: dict[str, float] = {}
    for part in parts:
        found = _PART.fullmatch(part.strip())
        if found is None:
            return None
        voice, weight = found["voice"].strip(), float(found["weight"] or 1.0)
        weights[voice] = weights.get(voice, 0.0) + weight
    total = sum(weights.values())
    if not 0 < total < float("inf"):
        return None
    return {voice: weight / total for voice, weight in weights.items()}
