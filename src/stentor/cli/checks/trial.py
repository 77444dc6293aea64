"""What a trial of the models needs, wherever they run: in a server, or in this command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stentor.cli.client import Client
from stentor_engine.contract import Task

NOTHING_FETCHED = "doctor itself fetches nothing"


@dataclass(frozen=True)
class Candidate:
    """A model before it is tried. `why_not`: it is left alone, and why; `advice`: what to do."""

    name: str
    task: Task | None = None
    aliases: tuple[str, ...] = ()
    why_not: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Loaded:
    task: Task | None
    word_times: bool


class Trial(Protocol):
    """All but `client` raises StentorError or httpx2.HTTPError."""

    @property
    def client(self) -> Client: ...

    async def candidates(self) -> list[Candidate]: ...

    async def load(self, model: str) -> Loaded:
        """Answers when it is loaded."""

    async def convert(self, model: str, pcm: bytes) -> float | None:
        """Seconds of what it made of a voice's samples; None: nothing here lets it convert."""
