"""Whether weights are those that a model's configuration tells by their checksum."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from stentor.errors import ModelUnavailable
from stentor.lifecycle.weights.digest import digest_of
from stentor.lifecycle.weights.staging import COMPLETE

ALGORITHM = "sha256:"


@dataclass(frozen=True)
class _File:
    """`changed`: nanoseconds."""

    name: str
    path: Path
    size: int
    changed: int


class Checksums:
    """Of files and folders. What did not change since it was read is not read again."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[list[_File], str]] = {}

    async def compare(self, name: str, place: Path, wanted: str) -> None:
        """`name`: of the model whose weights are at `place`. Raises ModelUnavailable, with what was
        wanted and what was found.
        """
        try:
            found = await self.of(place)
        except OSError as error:
            raise ModelUnavailable(
                f"the weights of '{name}' cannot be read: {error.strerror}"
            ) from error
        if found != wanted:
            raise ModelUnavailable(
                f"the weights of '{name}' are not those of its `checksum`: {wanted} is "
                f"wanted, and {found} was found"
            )

    async def of(self, place: Path) -> str:
        """Of a file, or of a folder with one file: that of the file. Of a folder with several: that
        of the list which `sha256sum` writes of them, in the order of their names' bytes. Hidden
        files are not of the weights. Raises OSError.
        """
        files = await asyncio.to_thread(_files, place)
        known = self._known.get(place)
        if known is not None and known[0] == files:
            return known[1]
        digests = [await digest_of(file.path, hashlib.sha256()) for file in files]
        if len(files) == 1:
            (digest,) = digests
        else:
            lines = (f"{d}  {file.name}\n" for d, file in zip(digests, files, strict=True))
            told = "".join(lines).encode("utf-8", "surrogateescape")
            digest = hashlib.sha256(told).hexdigest()
        self._known[place] = files, f"{ALGORITHM}{digest}"
        return self._known[place][1]


def _files(place: Path) -> list[_File]:
    if place.is_file():
        return [_described(place, place.name)]
    found = []
    for path in place.rglob("*"):
        name = path.relative_to(place)
        hidden = any(part.startswith(".") for part in name.parts)
        if not hidden and name.as_posix() != COMPLETE and path.is_file():
            found.append(_described(path, name.as_posix()))
    return sorted(found, key=lambda file: file.name.encode("utf-8", "surrogateescape"))


def _described(path: Path, name: str) -> _File:
    told = path.stat()
    return _File(name, path, told.st_size, told.st_mtime_ns)
