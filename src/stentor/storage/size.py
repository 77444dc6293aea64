"""What lies on the disk."""

from __future__ import annotations

from pathlib import Path


def size_of(place: Path) -> int:
    """Bytes of a file, or of the files in a folder; 0 where there is nothing. Blocks."""
    if place.is_file():
        return place.stat().st_size
    files = (path for path in place.rglob("*") if not path.is_symlink() and path.is_file())
    return sum(path.stat().st_size for path in files)
