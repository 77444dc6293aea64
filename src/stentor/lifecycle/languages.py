"""Which of the languages that are wanted a model knows, before anything of it was started. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stentor.text.language_tags import alike
from stentor_engine.loader import Declaration


def languages_of(declaration: Declaration, weights: str | None) -> frozenset[str] | None:
    """Of an engine with these weights; None: its usual ones. Answers None where nothing is told."""
    told = declaration.languages
    if isinstance(told, Mapping):
        name = next(iter(declaration.weights), "") if weights is None else weights
        return frozenset(told[name]) if name in told else None
    return frozenset(told) if told else None


def covered(wanted: Sequence[str], known: Collection[str] | None) -> tuple[str, ...]:
    """Those of the wanted languages that are known; all, where nothing is told of any."""
    if known is None:
        return tuple(wanted)
    return tuple(tag for tag in wanted if any(alike(tag, each) for each in known))


@dataclass(frozen=True)
class Spoken:
    """What a model knows of the wanted languages. `does`: speaks or hears; `known`: as `covered`
    takes it.
    """

    does: str
    wanted: tuple[str, ...]
    known: frozenset[str] | None

    @property
    def lacking(self) -> tuple[str, ...]:
        able = covered(self.wanted, self.known)
        return tuple(tag for tag in self.wanted if tag not in able)

    def __str__(self) -> str:
        """As `speaks en, not de`."""
        if self.known is None:
            return f"does not tell its languages; {', '.join(self.wanted)} are wanted"
        able = covered(self.wanted, self.known)
        if not able:
            return f"{self.does} none of {', '.join(self.wanted)}"
        lacking = f", not {', '.join(self.lacking)}" if self.lacking else ""
        return f"{self.does} {', '.join(able)}{lacking}"
