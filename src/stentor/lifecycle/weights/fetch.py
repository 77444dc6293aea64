"""Fetching one file: whole and right, or not at all; what was begun is continued."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx2

from stentor.errors import ModelUnavailable, StorageFull
from stentor.lifecycle.weights.digest import digest_of, finished
from stentor.lifecycle.weights.remote import TRANSIENT, Attempts, Busy, Patience, Remote, refuse

PLAIN = {"Accept-Encoding": "identity"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Progress:
    """Of a file. `total`: its bytes, where they are known."""

    file: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Waiting:
    """Another process fetches the same weights."""


Told = Callable[[Progress | Waiting], None]


async def described(http: httpx2.AsyncClient, remote: Remote, patience: Patience) -> Remote:
    """With the size and the tag that its server tells; as it is where it tells nothing."""
    try:
        headers = {**remote.headers, **PLAIN}
        answer = await http.head(remote.url, headers=headers, timeout=patience.timeout)
    except TRANSIENT:
        return remote  # fetching it will tell what is wrong
    if not answer.is_success:
        return remote
    length = "" if _compressed(answer) else answer.headers.get("content-length", "")
    etag = answer.headers.get("etag", "")
    size = int(length) if length.isdecimal() else None
    return replace(remote, size=size, etag=etag if etag.startswith('"') else "")


async def fetch(
    http: httpx2.AsyncClient, remote: Remote, part: Path, patience: Patience, told: Told
) -> None:
    """The file at `part`, whole and of the right checksum; half of it may be there already.

    Raises ModelUnavailable; StorageFull. When it is cancelled, or fails, what was fetched of it
    stays for the next time, except for what is wrong.
    """
    attempts, most = Attempts(patience, remote.path.name), _size(part)
    try:
        while True:
            if not remote.resumable:
                part.unlink(missing_ok=True)
            try:
                await _receive(http, remote, part, patience, told)
                break
            except TRANSIENT as error:
                if remote.resumable and _size(part) > most:
                    attempts.progressed()
                most = max(most, _size(part))
                await attempts.failed(error)
        await _compare(remote, part)
    except _Other as error:
        part.unlink(missing_ok=True)
        raise ModelUnavailable(
            f"{remote.path.name} of {remote.about} is not what was expected: {error}; it was "
            "removed: try again"
        ) from error
    except OSError as error:
        raise full(error, remote.path.name) from error


def full(error: OSError, what: str) -> StorageFull | ModelUnavailable:
    if error.errno in FULL:
        return StorageFull(f"the disk is full: there is no room for {what}")
    return ModelUnavailable(f"{what} cannot be written: {error.strerror}")


class _Other(Exception):
    """It is another file."""


async def _receive(
    http: httpx2.AsyncClient, remote: Remote, part: Path, patience: Patience, told: Told
) -> None:
    """The rest of the file. Raises what TRANSIENT lists when it breaks off, _Other, and OSError."""
    name, have = str(remote.path), _size(part)
    if remote.size is not None and have >= remote.size and part.exists():
        told(Progress(name, have, remote.size))
        return
    ranged = {"Range": f"bytes={have}-"} if have else {}
    if have and remote.etag:
        ranged["If-Range"] = remote.etag
    headers = {**remote.headers, **ranged, **PLAIN}
    request = http.stream("GET", remote.url, headers=headers, timeout=patience.timeout)
    async with request as answer:
        if answer.status_code == 416 and _whole(answer) == have:
            return
        refuse(answer, f"{remote.path.name} of {remote.about}")
        if have and _compressed(answer):  # its ranges are not the file's
            part.unlink()
            raise Busy("its server compresses it")
        begin, total = _extent(answer, remote, have)
        with part.open("ab" if begin else "wb") as file:
            done = begin
            told(Progress(name, done, total))
            async for piece in answer.aiter_bytes():
                done += len(piece)
                if total is not None and done > total:
                    raise _Other("it is longer than its server said")
                await finished(partial(file.write, piece))
                told(Progress(name, done, total))
            await finished(partial(_settle, file))
    if total is not None and done < total:
        raise Busy("it broke off")


def _extent(answer: httpx2.Response, remote: Remote, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes begin in the file, and the file's length."""
    if answer.status_code == 206:
        begin, total = have, _whole(answer)
        if f" {have}-" not in answer.headers.get("content-range", ""):
            raise Busy("its server sends another range")
    else:
        length = "" if _compressed(answer) else answer.headers.get("content-length", "")
        begin, total = 0, int(length) if length.isdecimal() else None
    if remote.size is None:
        ends = _compressed(answer) or "chunked" in answer.headers.get("transfer-encoding", "")
        if total is None and not ends and not (remote.sha256 or remote.git):
            raise _Other("its server does not tell where it ends")
        return begin, total
    if total not in (None, remote.size):
        raise _Other(f"it has {total} bytes, not {remote.size}")
    return begin, remote.size


def _compressed(answer: httpx2.Response) -> bool:
    """Although it was asked not to be."""
    return answer.headers.get("content-encoding", "identity") != "identity"


def _whole(answer: httpx2.Response) -> int | None:
    """The file's length, as an answer to a range tells it."""
    length = answer.headers.get("content-range", "").rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def _settle(file: BinaryIO) -> None:
    """A loss of power must not leave holes in what will be taken for whole."""
    file.flush()
    os.fsync(file.fileno())


async def _compare(remote: Remote, part: Path) -> None:
    """Raises _Other."""
    size = _size(part)
    if remote.size is not None and size != remote.size:
        raise _Other(f"it has {size} bytes, not {remote.size}")
    for expected, digest in (
        (remote.sha256.lower(), hashlib.sha256()),
        (remote.git, hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)),
    ):
        if expected and await digest_of(part, digest) != expected:
            raise _Other("its checksum is another")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
