"""The process that hosts one engine: `python -m stentor_engine.worker --engine NAME --file PATH …`.

It says where it listens in one JSON line on stdout, and loads its engine while it already answers.
It ends when its stdin does: the parent closes it to stop the worker, and dying closes it too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
from pathlib import Path

from .contract import Settings
from .host import AnyEngine, Host
from .loader import engine_class
from .session import Session
from .wire import MAX_LINE

EXIT_TIMEOUT = 2.0
"""Seconds for an orderly end, after which the process ends as it is."""


def main() -> None:
    arguments = _parse(sys.argv[1:])
    asyncio.run(serve(arguments))
    # An engine thread that is stuck in native code must not keep the process.
    os._exit(0)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stentor_engine.worker")
    parser.add_argument("--engine", required=True, help="the engine's name")
    parser.add_argument("--file", required=True, type=Path, help="the engine's file")
    parser.add_argument("--listen", required=True, help="unix:PATH or tcp:HOST (a free port)")
    parser.add_argument("--settings", default="{}", help="JSON: device, weights, options")
    return parser.parse_args(argv)


async def serve(arguments: argparse.Namespace) -> None:
    settings = Settings(**json.loads(arguments.settings))

    def load() -> AnyEngine:
        return engine_class(arguments.file, arguments.engine)(settings)

    host = Host(arguments.engine, settings, load)

    sessions: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.ensure_future(Session(host, reader, writer).serve())
        sessions.add(session)
        session.add_done_callback(sessions.discard)

    stop = asyncio.Event()
    kind, _, place = arguments.listen.partition(":")
    if kind == "unix":
        server = await asyncio.start_unix_server(connected, place, limit=MAX_LINE)
        address = arguments.listen
    else:
        server = await asyncio.start_server(connected, place, 0, limit=MAX_LINE)
        address = f"tcp:{place}:{server.sockets[0].getsockname()[1]}"
    _announce(address)
    _watch_parent(asyncio.get_running_loop(), stop)
    loading = asyncio.ensure_future(host.load())
    await stop.wait()
    server.close()
    if kind == "unix":
        _remove(place)
    loading.cancel()
    for session in sessions:
        session.cancel()
    await asyncio.gather(*sessions, return_exceptions=True)
    await host.close()


def _remove(socket: str) -> None:
    """The socket, and the folder that its parent made for it: the parent may be dead."""
    try:
        if os.path.exists(socket):
            os.unlink(socket)
        os.rmdir(os.path.dirname(socket))
    except OSError:
        pass  # the parent was quicker, or keeps more in that folder


def _announce(address: str) -> None:
    """Afterwards stdout is stderr, for native code too: what an engine prints is not ours."""
    print(json.dumps({"listening": address}), flush=True)  # noqa: T201 - the parent reads it
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def watch() -> None:
        while os.read(0, 1024):
            pass
        threading.Timer(EXIT_TIMEOUT, os._exit, (1,)).start()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True, name="parent").start()


if __name__ == "__main__":
    main()
