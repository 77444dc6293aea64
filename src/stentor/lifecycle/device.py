"""What an engine computes on. Pure, but for a look at the machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from stentor.lifecycle.gpus import gpus


def choose_device(wanted: str, able: Sequence[str], present: Sequence[str]) -> str:
    """`wanted`: from the configuration; `able`: kinds that the engine runs on, the best one first;
    `present`: kinds that the machine has. A name such as `cpu`, `cuda:0`, `mps`.

    A device that was named is never replaced: without it the engine says so when it starts.
    """
    kind = next((each for each in able if each in present), "cpu") if wanted == "auto" else wanted
    return "cuda:0" if kind == "cuda" else kind


def devices_present() -> tuple[str, ...]:
    """Kinds that this machine has, as far as can be told without any model's package."""
    mac = sys.platform == "darwin" and platform.machine() == "arm64"
    return (*(["cuda"] if gpus() else []), *(["mps"] if mac else []), "cpu")
