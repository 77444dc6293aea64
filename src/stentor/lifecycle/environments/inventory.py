"""The files that an environment was built of, and which of them are gone.

What a package keeps of its own files is not enough: it goes with the package, and some name files
that never were.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from stentor.lifecycle.environments.environment import COMPLETE, Environment

FILES = "files.json"
IGNORED = frozenset({"__pycache__", "stentor_engine"})
"""Folders that change: what Python writes as it runs, and the SDK, which is renewed by itself."""


def take_inventory(environment: Environment) -> None:
    """Remembers the files of an environment that has just been built. Blocks."""
    told = json.dumps(sorted(_files(environment)))
    (environment.folder / FILES).write_text(told, encoding="utf-8", errors="surrogateescape")


def lost_files(environment: Environment) -> tuple[str, ...]:
    """Those that are gone, as they were called below its folder; none where nobody took an
    inventory. Blocks: a tenth of a second with the largest.
    """
    try:
        text = (environment.folder / FILES).read_text(encoding="utf-8", errors="surrogateescape")
        kept = frozenset(json.loads(text))
    except (OSError, ValueError, TypeError):
        return ()
    return tuple(sorted(kept.difference(_files(environment))))


def described(lost: tuple[str, ...]) -> str:
    """In a few words."""
    name = lost[0].rpartition("site-packages/")[2]
    return f"{name} is gone" if len(lost) == 1 else f"{name} and {len(lost) - 1} more are gone"


def _files(environment: Environment) -> Iterator[str]:
    root = str(environment.folder)
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in IGNORED]
        below = os.path.relpath(folder, root).replace(os.sep, "/")
        if below == ".":
            names = [name for name in names if name not in (COMPLETE, FILES)]
        yield from (name if below == "." else f"{below}/{name}" for name in names)
