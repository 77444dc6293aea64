"""What `Settings.weights` names, for engines that know which files they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .errors import LoadFailed


def weights_folder(weights: str | None, needed: Sequence[str] = ()) -> Path:
    """With those files in it. Raises LoadFailed, which names the ones that are not there."""
    folder = Path(weights or "").expanduser()
    if not weights or not folder.is_dir():
        with_them = f" with {', '.join(needed)}" if needed else ""
        raise LoadFailed(f"`weights` of the model must name a folder{with_them}")
    if lacking := [name for name in needed if not (folder / name).is_file()]:
        raise LoadFailed(f"the folder of the weights lacks {', '.join(lacking)}")
    return folder


def weights_file(weights: str | None, pattern: str) -> Path:
    """The file itself, or the only one of a folder that matches. Raises LoadFailed."""
    place = Path(weights or "").expanduser()
    if not weights or not place.exists():
        raise LoadFailed(f"`weights` of the model must name a folder with {pattern}, or the file")
    files = [place] if place.is_file() else sorted(place.glob(pattern))
    if len(files) != 1:
        count = "no" if not files else "more than one"
        raise LoadFailed(f"the folder of the weights holds {count} {pattern}")
    return files[0]
