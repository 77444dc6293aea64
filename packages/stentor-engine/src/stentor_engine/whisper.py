"""What the engines that run Whisper share, whoever made their library."""

from __future__ import annotations

from collections.abc import Iterable

FALLBACK = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""What a temperature of 0 means in OpenAI's API: higher ones where the answer is doubtful."""
_TAGS = {"jw": "jv"}
"""Whisper's own codes that BCP 47 writes otherwise."""


def language_tag(code: str) -> str:
    """The BCP-47 tag of one of Whisper's languages."""
    return _TAGS.get(code, code)


def codes_by_tag(codes: Iterable[str]) -> dict[str, str]:
    return {language_tag(code): code for code in codes}
