"""Which language a file is in, as far as anybody knows."""

from __future__ import annotations

from typing import Literal

from stentor.text.language_tags import primary
from stentor.types import Segment, TranscriptionRequest
from stentor_engine import Capabilities

SHORTEST = 0.001
"""Seconds that any segment counts for."""


class Spoken:
    """Told before the first segment, or heard from segment to segment; nothing is assumed."""

    def __init__(
        self,
        language: str | None = None,
        source: Literal["given", "only", "detected"] | None = None,
    ) -> None:
        """`source`: `given` by the client; the `only` one that the model hears; `detected`, so far
        as there is something to detect it in; None: nobody can tell.
        """
        self._language = language
        self._source = source
        self._seconds: dict[str, float] = {}

    @classmethod
    def of(
        cls, request: TranscriptionRequest, language: str | None, capabilities: Capabilities
    ) -> Spoken:
        """`language`: the one that the model is told to hear."""
        if language is not None:
            given = bool(request.language or request.languages)
            return cls(language, "given" if given else "only")
        return cls(None, "detected" if capabilities.detects_language else None)

    def hear(self, segment: Segment) -> None:
        if self._source == "detected" and segment.language is not None:
            language = primary(segment.language)
            seconds = max(segment.end - segment.start, SHORTEST)
            self._seconds[language] = self._seconds.get(language, 0.0) + seconds

    @property
    def source(self) -> Literal["given", "only", "detected"] | None:
        return None if self.language is None else self._source

    @property
    def language(self) -> str | None:
        """A BCP-47 tag: of most of the speech, where there are several."""
        return next(iter(self.languages), None)

    @property
    def languages(self) -> tuple[str, ...]:
        """The most spoken one first."""
        if self._language is not None:
            return (self._language,)
        return tuple(sorted(self._seconds, key=self._seconds.__getitem__, reverse=True))
