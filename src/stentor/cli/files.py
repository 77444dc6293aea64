"""Writing files that are complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens it under another name, which it keeps until it is complete: what breaks off leaves
    nothing behind, and an older file as it was. What is no regular file, such as a device, is
    written to directly.
    """
    target = path.resolve()  # of a symbolic link, what it points to is replaced
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device
        return
    part = target.with_name(target.name + ".part")
    file = _opened(part, path)
    try:
        with file:
            yield file
        part.replace(target)
    except OSError as error:
        raise _named(error, part, path) from error
    finally:
        part.unlink(missing_ok=True)


def _opened(part: Path, path: Path) -> BinaryIO:
    try:
        return part.open("w+b")
    except OSError as error:
        raise _named(error, part, path) from error


def _named(error: OSError, part: Path, path: Path) -> OSError:
    """The file as its owner knows it; a failed write names none at all."""
    if error.filename not in (None, str(part)) or error.errno is None:
        return error
    return OSError(error.errno, error.strerror, str(path))
