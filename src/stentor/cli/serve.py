"""`stentor serve`."""

from __future__ import annotations

import socket
import sys

import uvicorn
from fastapi import FastAPI

from stentor.api.guard import is_loopback
from stentor.app import create_app
from stentor.cli.client import url_of
from stentor.cli.load import load_config
from stentor.config import Config
from stentor.telemetry.log import configure_logging


def run(host: str | None, port: int | None, insecure: bool) -> int:
    config = load_config(_given(host=host, port=port, insecure=insecure or None))
    if refusal := refuse_bind(config):
        print(refusal, file=sys.stderr)
        return 2
    configure_logging(config.server.log_level)
    app = create_app(config)
    try:
        listening = _listen(config.server.host, config.server.port)
    except OSError as error:
        print(
            f"cannot listen on {config.server.host}:{config.server.port}: {error.strerror}; "
            "set another with --port or STENTOR_PORT",
            file=sys.stderr,
        )
        return 1
    with listening:
        url = url_of(config.server.host, listening.getsockname()[1])
        print(f"Stentor listens on {url}", file=sys.stderr, flush=True)
        _serve(app, config, listening)
    return 0


def _given(**options: object) -> dict[str, object]:
    """The command line's part of the configuration, which goes before all others."""
    server = {key: value for key, value in options.items() if value is not None}
    return {"server": server} if server else {}


def refuse_bind(config: Config) -> str | None:
    """Why this address must not be listened on without a key; None: it may."""
    server = config.server
    if server.api_key or server.insecure or is_loopback(server.host):
        return None
    return (
        f"{server.host} can be reached from other machines, and no API key is set: "
        "set STENTOR_API_KEY, or say --insecure if everyone there may use this server"
    )


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def _serve(app: FastAPI, config: Config, listening: socket.socket) -> None:
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=round(config.server.shutdown_timeout) or 1,
    )
    uvicorn.Server(settings).run(sockets=[listening])
