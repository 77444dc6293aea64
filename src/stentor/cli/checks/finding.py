"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`note`: it works, and could be better. `advice`: what to do, where something can be done."""

    state: Literal["ok", "note", "bad"]
    about: str
    what: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "note": "·", "bad": "✗"}[self.state]
        advice = f"\n    {self.advice}" if self.advice else ""
        return f"{mark} {self.about}: {self.what}{advice}"
