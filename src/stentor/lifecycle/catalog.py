"""Which engines there are: the files of the installation and of the user's own folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import stentor
from stentor_engine.loader import engine_names


def bundled_engines() -> Path:
    """The folder of engine files that came with Stentor: in its wheel, or in the checkout."""
    package = Path(stentor.__file__).parent
    installed = package / "bundled_engines"
    return installed if installed.is_dir() else package.parents[1] / "engines"


def find_engines(folders: Iterable[Path]) -> dict[str, Path]:
    """From engine names to files; a later folder's engine goes before an earlier one's."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            found.update(dict.fromkeys(engine_names(file), file))
    return found
