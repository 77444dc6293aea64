"""Files elsewhere, and how patiently they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import httpx2

from stentor.errors import ModelUnavailable

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may be others when it is asked again."""


@dataclass(frozen=True)
class Patience:
    """Seconds, and how many failures in a row are too many."""

    connect: float = 15.0
    read: float = 30.0
    """Without a single byte."""
    attempts: int = 6
    pause: float = 0.25
    """Before the third attempt; the second one is made at once, each later one waits twice as long
    as the one before it."""
    most: float = 15.0

    @property
    def timeout(self) -> httpx2.Timeout:
        return httpx2.Timeout(self.read, connect=self.connect)


@dataclass(frozen=True)
class Remote:
    """A file that is to be fetched."""

    path: PurePosixPath
    """Where it belongs, below the folder of its weights."""
    url: str
    size: int | None = None
    """Bytes."""
    sha256: str = ""
    git: str = ""
    """The hash that git knows it by, where there is no other."""
    etag: str = ""
    """A strong one: equal tags, equal bytes."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For its server only: they may hold a token."""
    about: str = ""
    """Whose file it is, for messages: a repository, or a host."""

    @property
    def identity(self) -> str:
        """Of its bytes; of what nothing is known, only its address."""
        return self.sha256 or self.git or f"{self.url} {self.etag} {self.size}"

    @property
    def resumable(self) -> bool:
        """What was fetched of it before can be told from another file's bytes."""
        return bool(self.sha256 or self.git or self.etag)


class Busy(Exception):
    """The server may answer later."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        """`after`: seconds that it asks for."""
        super().__init__(message)
        self.after = after


TRANSIENT = (httpx2.TransportError, httpx2.TooManyRedirects, httpx2.DecodingError, Busy)


class Attempts:
    """At one thing. Counts failures in a row, and waits between them."""

    def __init__(self, patience: Patience, what: str, *, advice: str = "") -> None:
        """`advice`: what else may be tried where nothing is reached."""
        self._patience = patience
        self._what = what
        self._advice = advice
        self._failures = 0

    def progressed(self) -> None:
        self._failures = 0

    async def failed(self, error: Exception) -> None:
        """Raises ModelUnavailable when these were enough."""
        self._failures += 1
        patience = self._patience
        after = error.after if isinstance(error, Busy) else 0.0
        if self._failures >= patience.attempts or after > patience.most:
            raise ModelUnavailable(
                f"{self._what} cannot be fetched ({_why(error, self._advice)}); what is here of it "
                "is kept: try again"
            ) from error
        pause = patience.pause * 2 ** (self._failures - 2) if self._failures > 1 else 0.0
        await asyncio.sleep(min(max(pause, after), patience.most))


def _why(error: Exception, advice: str) -> str:
    why = str(error) or type(error).__name__
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        url = error.request.url
        return (
            f"{url.scheme}://{url.netloc.decode()} is not reached: {why}{advice and f'; {advice}'}"
        )
    return why


def refuse(answer: httpx2.Response, what: str) -> None:
    """Raises Busy, or ModelUnavailable with what to do, for an answer that is none."""
    if answer.status_code in RETRIED:
        after = answer.headers.get("retry-after", "")
        told = float(after) if after.isdecimal() else 0.0
        raise Busy(f"its server answers {answer.status_code}", after=told)
    if answer.is_success:
        return
    raise ModelUnavailable(_explained(answer, what))


def _explained(answer: httpx2.Response, what: str) -> str:
    """The hub's codes: https://huggingface.co/docs/huggingface_hub/package_reference/utilities."""
    code = answer.headers.get("x-error-code", "")
    token = "authorization" in answer.request.headers
    if answer.status_code in (401, 403):
        if code == "GatedRepo" and token:
            return f"{what} is gated: ask for access on its page, with the account of your token"
        if code == "GatedRepo":
            return f"{what} is gated: ask for access on its page, then give your token in HF_TOKEN"
        if token and code != "RepoNotFound":
            return f"{what} refuses your token, from HF_TOKEN or `hf auth login`"
        return f"{what} does not exist, or is private: give your token in HF_TOKEN"
    missing = {"RevisionNotFound": "has no such revision", "EntryNotFound": "has no such file"}
    if answer.status_code == 404:
        return f"{what} {missing.get(code, 'does not exist')}"
    return f"{what} cannot be fetched: its server answers {answer.status_code}"
