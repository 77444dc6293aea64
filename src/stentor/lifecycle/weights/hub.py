"""What a repository of the Hugging Face hub holds.

Asked with the session, the token and the addresses of `huggingface_hub`. Its own downloads are not
used: they compare no checksums, and run in threads that cannot be stopped.

The protocol: https://huggingface.co/docs/hub/api, and `huggingface_hub`'s `snapshot_download`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

import httpx2

from stentor.errors import ModelUnavailable
from stentor.lifecycle.weights.remote import TRANSIENT, Attempts, Patience, Remote, refuse
from stentor.lifecycle.weights.wanted import inside
from stentor_engine.contract import Weights

PAGES = 100
"""Of a list, with up to a thousand files each: more is no repository of weights."""

MIRROR = "HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy"


@dataclass(frozen=True)
class Listing:
    """Of a part, as it is now. `commit`: what its revision means."""

    commit: str
    files: tuple[Remote, ...]


async def listed(part: Weights, patience: Patience) -> Listing:
    """The files of a part's repository that its patterns match. Raises ModelUnavailable."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported
    from huggingface_hub import constants, get_async_session, get_token
    from huggingface_hub.errors import OfflineModeIsEnabled

    endpoint = constants.ENDPOINT
    about = f"the repository {endpoint}/{part.hub}"
    token = None
    if not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
        token = await asyncio.to_thread(get_token)  # from the environment, or a file
    headers = {"authorization": f"Bearer {token}"} if token else {}
    asked = _Asked(get_async_session(), headers, patience, about)
    api = f"{endpoint}/api/models/{part.hub}"
    try:
        async with asked.http:
            found = (await asked.get(f"{api}/revision/{quote(part.revision, safe='')}")).json()
            commit = str(found["sha"])
            tree = await _tree(asked, f"{api}/tree/{commit}?recursive=true")
        entries = {str(each["path"]): each for each in tree if each["type"] == "file"}
        matching = [path for path in entries if _matches(path, part.files)]
        place = f"{endpoint}/{part.hub}/resolve/{commit}"
        files = tuple(_remote(entries[path], place, headers, about) for path in matching)
    except OfflineModeIsEnabled as error:
        raise ModelUnavailable(f"{about} is not asked: HF_HUB_OFFLINE is set") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"{about} answers what is not understood") from error
    if not files:
        patterns = ", ".join(part.files) or "*"
        raise ModelUnavailable(f"{about} has none of the files {patterns}")
    return Listing(commit, files)


@dataclass(frozen=True)
class _Asked:
    http: httpx2.AsyncClient
    headers: Mapping[str, str]
    patience: Patience
    about: str

    async def get(self, url: str) -> httpx2.Response:
        attempts = Attempts(self.patience, self.about, advice=MIRROR)
        while True:
            try:
                answer = await self.http.get(
                    url, headers=self.headers, timeout=self.patience.timeout
                )
                refuse(answer, self.about)
                return answer
            except TRANSIENT as error:
                await attempts.failed(error)


async def _tree(asked: _Asked, url: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for _ in range(PAGES):
        answer = await asked.get(url)
        entries += answer.json()
        following = answer.links.get("next", {}).get("url")
        if not following:
            break
        url = following
    return entries


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(path, pattern) for pattern in patterns)


def _remote(entry: Mapping[str, Any], place: str, headers: Mapping[str, str], about: str) -> Remote:
    """Of an entry of a list: large files have a SHA-256, others the hash of git."""
    path = str(entry["path"])
    large = entry.get("lfs") or {}
    return Remote(
        inside(path),
        f"{place}/{quote(path)}",
        size=int(large.get("size", entry["size"])),
        sha256=str(large.get("oid") or ""),
        git="" if large else str(entry["oid"]),
        headers=headers,
        about=about,
    )
