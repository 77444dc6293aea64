"""Where commands get their answers: a running server, or a Stentor of their own."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx2

from stentor.cli.failure import UsageError
from stentor.config import Config
from stentor.types import Rendered, Segment, SpeechRequest, TranscriptionRequest

if TYPE_CHECKING:
    from stentor.cli.remote import Remote

SPEAKS = "tts-1"
LISTENS = "whisper-1"
"""The names of the models that commands use if they are told none."""

PROBE_TIMEOUT = 0.3
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 600.0
"""Seconds without a byte of the answer: a long file is heard before its text begins."""


@dataclass(frozen=True)
class Summary:
    """What is known of a file when all of it was heard. `seconds` of audio; `language`: BCP-47."""

    seconds: float | None = None
    language: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class ModelInfo:
    """`state`: of its workers; `memory`: bytes that they take. `default`: what the task is done
    with if no model is named.
    """

    name: str
    task: str | None
    aliases: tuple[str, ...]
    languages: tuple[str, ...]
    state: str | None
    default: bool
    memory: int | None = None


@dataclass(frozen=True)
class VoiceInfo:
    id: str
    name: str
    languages: tuple[str, ...]
    gender: str | None
    model: str


class Client(Protocol):
    def speak(self, request: SpeechRequest) -> AsyncGenerator[Rendered, None]:
        """Words come where the request wants timestamps and the server has them."""

    def transcribe(
        self, request: TranscriptionRequest, file: Path, *, times: bool
    ) -> AsyncGenerator[Segment | Summary, None]:
        """What was heard, in order, and then a summary. Without `times` those of the segments may
        all be 0, and they come as soon as they are heard.
        """

    async def models(self) -> list[ModelInfo]: ...

    async def voices(self, model: str | None) -> list[VoiceInfo]:
        """Of a model; None: of those that are known, at least of the usual one."""


@asynccontextmanager
async def open_client(config: Config, server: str | None) -> AsyncIterator[Client]:
    """The named server; else the one of the configuration if it runs; else none is needed. Raises
    UsageError for what is no address.
    """
    url = await _address(config, server)
    if url is None:
        # All of Stentor is imported only where it does the work: that takes longer than a word.
        from stentor.cli.local import open_local

        async with open_local(config) as local:
            yield local
        return
    from stentor.cli.remote import Remote

    async with _http(config, url, server) as http:
        yield Remote(http)


@asynccontextmanager
async def open_server(config: Config, server: str | None) -> AsyncIterator[Remote]:
    """The same where only a running server will do: without one UsageError is raised."""
    from stentor.cli.remote import Remote

    url = await _address(config, server)
    if url is None:
        raise UsageError(f"no server runs at {local_url(config)}: name another with --server")
    async with _http(config, url, server) as http:
        yield Remote(http)


@asynccontextmanager
async def open_own_server(config: Config) -> AsyncIterator[Remote | None]:
    """The one that the configuration speaks of, whatever STENTOR_URL names; None: it does not
    run.
    """
    from stentor.cli.remote import Remote

    url = await running_server(config)
    if url is None:
        yield None
        return
    async with _client(config, url, named=False) as http:
        yield Remote(http)


async def _address(config: Config, server: str | None) -> str | None:
    """None: none was named, and none runs."""
    named = server or os.environ.get("STENTOR_URL")
    return base_url(named) if named else await running_server(config)


def _http(config: Config, url: str, server: str | None) -> httpx2.AsyncClient:
    return _client(config, url, named=bool(server or os.environ.get("STENTOR_URL")))


def _client(config: Config, url: str, *, named: bool) -> httpx2.AsyncClient:
    key = config.server.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    # A proxy that this machine goes out by does not lead to the machine itself.
    return httpx2.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=timeout,
        trust_env=named,
        verify=named,
    )


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def base_url(given: str) -> str:
    """Of a server's address as people write it: with or without the scheme and /v1. Raises
    UsageError.
    """
    url = given if "://" in given else f"http://{given}"
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise UsageError(f"'{given}' is no URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UsageError(f"'{given}' is no URL of a server, as http://127.0.0.1:8000")
    return url.rstrip("/").removesuffix("/v1")


def local_url(config: Config) -> str:
    """Where this machine reaches its own server."""
    server = config.server
    return url_of({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host), server.port)  # noqa: S104


async def running_server(config: Config) -> str | None:
    """The URL of the Stentor that the configuration speaks of, if it runs."""
    url = local_url(config)
    # Plain HTTP, to this machine: no certificates have to be loaded for it.
    async with httpx2.AsyncClient(timeout=PROBE_TIMEOUT, trust_env=False, verify=False) as http:
        try:
            # Another program on that port must not be sent the key.
            return url if await is_stentor(http, url) else None
        except httpx2.HTTPError:
            return None


async def is_stentor(http: httpx2.AsyncClient, url: str = "") -> bool:
    answer = await http.get(f"{url}/health")
    return '"stentor"' in answer.text
