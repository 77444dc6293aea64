"""The server: its configuration, its address, its key, and whether it runs."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator

import httpx2

from stentor.cli.checks.finding import Finding
from stentor.cli.client import base_url, local_url, running_server
from stentor.cli.failure import UsageError, described
from stentor.cli.serve import refuse_bind
from stentor.config import Config, config_file

SHORT_KEY = 16
TIMEOUT = 5.0


async def server(config: Config) -> AsyncIterator[Finding]:
    file = config_file()
    told = str(file.resolve()) if file else "defaults; there is no stentor.toml here"
    yield Finding("ok", "configuration", told)
    yield _key(config)
    running = await running_server(config)
    if running is not None:
        yield await _answering("server", running, config)
    else:
        yield _address(config)
    named = os.environ.get("STENTOR_URL")
    if named:
        yield await _named(named, config)


def _key(config: Config) -> Finding:
    if refusal := refuse_bind(config):
        return Finding("bad", "API key", "the server would not start", refusal)
    key = config.server.api_key
    if key is None:
        return Finding("ok", "API key", f"none; {config.server.host} is for this machine only")
    if len(key.get_secret_value()) < SHORT_KEY:
        advice = "a long one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        return Finding("note", "API key", "set, and short enough to be guessed", advice)
    return Finding("ok", "API key", "set")


def _address(config: Config) -> Finding:
    """No server runs: may one listen there?"""
    host, port = config.server.host, config.server.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listening:
            if os.name == "posix":  # what a server that ended leaves behind is no hindrance
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
    except OSError as error:
        advice = "set another address with STENTOR_PORT or STENTOR_HOST"
        why = f"{host}:{port} cannot be listened on: {error.strerror}"
        return Finding("bad", "server", why, advice)
    return Finding("ok", "server", f"none runs; {host}:{port} is free for `stentor serve`")


async def _named(named: str, config: Config) -> Finding:
    try:
        return await _answering("STENTOR_URL", base_url(named), config)
    except UsageError as error:
        return Finding("bad", "STENTOR_URL", str(error))


async def _answering(about: str, url: str, config: Config) -> Finding:
    """Whether commands are let in, and the version, if it is a Stentor."""
    key = config.server.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    local = url == local_url(config)
    try:
        async with httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=TIMEOUT, trust_env=not local
        ) as http:
            answer = await http.get("/v1/models")
            page = await http.get("/openapi.json")
    except httpx2.HTTPError as error:
        advice = "start it, or unset STENTOR_URL"
        return Finding("bad", about, described(error), "" if local else advice)
    if answer.status_code in (401, 403):
        advice = "give its key in STENTOR_API_KEY"
        return Finding("bad", about, f"{url} does not let these commands in", advice)
    version = _version(page)
    name = f"Stentor {version}" if version else "a server"
    return Finding("ok", about, f"{name} answers at {url}: commands use it")


def _version(answer: httpx2.Response) -> str | None:
    try:
        info = answer.json()["info"]
        return str(info["version"]) if info["title"] == "Stentor" else None
    except (ValueError, KeyError, TypeError):
        return None
