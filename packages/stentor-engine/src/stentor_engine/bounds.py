"""From the figures of a model to those of a transcript: plain floats, within what they can be."""

from __future__ import annotations

import math


def within(value: float, least: float, most: float) -> float:
    return float(min(max(value, least), most))


def span(start: float, end: float, least: float, most: float) -> tuple[float, float]:
    """Both within the bounds, and in order: some models tell times beyond the audio's end."""
    begin = within(start, least, most)
    return begin, within(end, begin, most)


def finite(value: float | None) -> float | None:
    """None for what is no number that JSON knows."""
    return float(value) if value is not None and math.isfinite(value) else None
