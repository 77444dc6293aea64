"""Fetching all files of some weights into a folder that appears when it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx2

from stentor.errors import ModelUnavailable, StorageFull
from stentor.lifecycle.weights.fetch import Told, described, fetch
from stentor.lifecycle.weights.hub import listed
from stentor.lifecycle.weights.remote import Patience, Remote
from stentor.lifecycle.weights.wanted import Wanted, inside
from stentor_engine.contract import Weights

COMPLETE = "complete.json"
"""The file that says that all are there: which, and how large they are."""
LEFT_FREE = 64 * 2**20
"""Bytes of the disk that weights never take."""


def is_complete(folder: Path) -> bool:
    """All was fetched to its end, and is still there."""
    try:
        sizes = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


async def fetch_all(
    wanted: Wanted, place: Path, partial: Path, patience: Patience, told: Told
) -> None:
    """Into `place`, by way of `partial`, which nobody else may use meanwhile. Raises
    ModelUnavailable; StorageFull; OSError.
    """
    async with httpx2.AsyncClient(follow_redirects=True) as http:
        plan = await planned(wanted, http, patience)
        staged = partial / plan.key
        staged.mkdir(parents=True, exist_ok=True)
        _clear(partial, plan)
        _refuse_full(partial, plan)
        for remote in plan.files:
            if not (staged / remote.path).is_file():
                part = partial / part_name(remote)
                await fetch(http, remote, part, patience, told)
                (staged / remote.path).parent.mkdir(parents=True, exist_ok=True)
                os.replace(part, staged / remote.path)
    _complete(wanted, plan, staged)
    shutil.rmtree(place, ignore_errors=True)  # what is there is not complete
    os.replace(staged, place)
    shutil.rmtree(partial, ignore_errors=True)


@dataclass(frozen=True)
class Plan:
    files: tuple[Remote, ...]
    commits: dict[str, str] = field(default_factory=dict)
    """What the revisions of repositories mean."""

    @property
    def key(self) -> str:
        """Equal for equal bytes in equal places, of which one fetch can go on with another's."""
        told = sorted((str(each.path), each.identity) for each in self.files)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


async def planned(wanted: Wanted, http: httpx2.AsyncClient, patience: Patience) -> Plan:
    files: dict[PurePosixPath, Remote] = {}
    commits: dict[str, str] = {}
    for part in wanted.parts:
        below = inside(part.folder) if part.folder else PurePosixPath()
        if part.hub:
            listing = await listed(part, patience)
            commits[part.hub] = listing.commit
            files |= {below / each.path: _checked(each, part, below) for each in listing.files}
        for remote in _elsewhere(part):
            told = await described(http, remote, patience)
            files[below / remote.path] = _checked(told, part, below)
    return Plan(tuple(files.values()), commits)


def part_name(remote: Remote) -> str:
    """Of half a file: another one's bytes never continue it."""
    return hashlib.sha256(remote.identity.encode()).hexdigest()[:24] + ".part"


def _elsewhere(part: Weights) -> Iterator[Remote]:
    for name, url in part.urls.items():
        parsed = urlsplit(url)
        if parsed.scheme not in ("http", "https") or not parsed.hostname:
            raise ModelUnavailable(f"'{url}' is no address that weights can be fetched from")
        yield Remote(inside(name), url, about=parsed.hostname)


def _checked(remote: Remote, part: Weights, below: PurePosixPath) -> Remote:
    """In its place, and with the checksum that the engine declares."""
    sha256 = part.sha256.get(str(remote.path), "").lower() or remote.sha256
    return replace(remote, path=below / remote.path, sha256=sha256)


def _clear(partial: Path, plan: Plan) -> None:
    """What an earlier plan left, and is of no use to this one."""
    kept = {plan.key, *(part_name(remote) for remote in plan.files)}
    for path in partial.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _refuse_full(partial: Path, plan: Plan) -> None:
    staged = partial / plan.key
    needed = sum(
        max(0, (remote.size or 0) - _size(partial / part_name(remote)))
        for remote in plan.files
        if not (staged / remote.path).is_file()
    )
    free = shutil.disk_usage(partial).free - LEFT_FREE
    if needed > max(0, free):
        raise StorageFull(
            f"the disk has {max(0, free) / 2**20:.0f} MiB free, and {needed / 2**20:.0f} MiB are "
            "to be fetched"
        )


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _complete(wanted: Wanted, plan: Plan, staged: Path) -> None:
    told = {
        "weights": wanted.name,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "commits": plan.commits,
        "parts": [asdict(part) for part in wanted.parts],
        "files": {str(each.path): _size(staged / each.path) for each in plan.files},
    }
    with (staged / COMPLETE).open("w", encoding="utf-8") as file:
        file.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
