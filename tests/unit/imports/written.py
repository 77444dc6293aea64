"""What an import writes and tells."""

from __future__ import annotations

import tomllib
from functools import partial
from typing import Any

from stentor.cli.imports.render import rendered
from stentor.cli.imports.served import loaded, refusal
from stentor.cli.imports.settle import settled, told
from stentor.cli.imports.tree import Imported

ENGINES = {
    "chatterbox-turbo": ("cuda", "cpu"),
    "faster-whisper": ("cuda", "cpu"),
    "kokoro": ("cpu",),
    "whisper": ("cuda", "cpu"),
    "xtts-v2": ("cuda", "cpu"),
}


def written(found: Imported, name: str = "models.json") -> tuple[str, list[str]]:
    """The text, and what is told beside it."""
    final = settled(found, partial(refusal, engines=ENGINES))
    text = rendered(final, name)
    loaded(text)
    return text, list(told(final))


def tables(text: str) -> Any:
    return tomllib.loads(text)
