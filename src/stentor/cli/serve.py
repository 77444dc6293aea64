"""`stentor serve`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from functools import partial

import uvicorn
from fastapi import FastAPI

from stentor.api.guard import is_loopback
from stentor.app import create_app
from stentor.cli.client import url_of
from stentor.cli.debugger import attach_debugger
from stentor.cli.load import read_config
from stentor.config import Config, ConfigurationError
from stentor.telemetry.log import configure_logging

KEEP_ALIVE = 120
"""Seconds that an idle connection stays. Longer than clients keep theirs (5 to 90 s): one that is
closed just when it is used again is an error to them.
"""


def run(host: str | None, port: int | None, insecure: bool, reload: bool) -> int:
    given = _given(host=host, port=port, insecure=insecure or None)
    config = read_config(given)
    if refusal := refuse_bind(config):
        print(refusal, file=sys.stderr)
        return 2
    configure_logging(config.server.log_level, config.server.log_format)
    app = None if reload else _app(config, given)
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
        if app is not None:
            _serve(app, config, listening)
        else:
            from stentor.cli.reload import serve_reloading  # for development only

            serve_reloading(partial(_serve_again, given), listening, given)
    return 0


def _app(config: Config, given: Mapping[str, object]) -> FastAPI:
    attach_debugger()
    return create_app(config, partial(read_config, given))


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
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=round(config.server.shutdown_timeout) or 1,
    )
    uvicorn.Server(settings).run(sockets=[listening])


def _serve_again(given: Mapping[str, object], *, sockets: list[socket.socket]) -> None:
    """In a process of its own. A mistake ends it: the next change may mend it."""
    try:
        config = read_config(given)
        configure_logging(config.server.log_level, config.server.log_format)
        bound = config.server.model_copy(update={"host": sockets[0].getsockname()[0]})
        if refusal := refuse_bind(config.model_copy(update={"server": bound})):
            raise ConfigurationError(refusal)  # the key may have gone since the socket was bound
        app = _app(config, given)
    except ConfigurationError as error:
        print(f"the configuration is wrong: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    _serve(app, config, sockets[0])
