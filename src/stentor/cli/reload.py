"""`stentor serve --reload`: a server that starts again when its files change."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.supervisors.basereload import BaseReload

import stentor
import stentor_engine
from stentor.cli.load import load_config
from stentor.config import ConfigurationError, config_file
from stentor.lifecycle.catalog import bundled_engines


def serve_reloading(
    serve: Callable[..., None], listening: socket.socket, given: Mapping[str, object]
) -> None:
    """`serve(sockets=[listening])` runs one server; it must be picklable."""
    listening.listen()  # at once: a server that starts must not be missed
    Reload(partial(_serve_under_parent, serve), listening, partial(_files, given)).run()


def _serve_under_parent(serve: Callable[..., None], *, sockets: list[socket.socket]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()
    serve(sockets=sockets)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class Reload(BaseReload):
    """Holds the socket, and the server in a process of its own, which it ends and starts anew when
    a file was changed, came or went. What connects meanwhile waits.
    """

    def __init__(
        self,
        target: Callable[..., None],
        listening: socket.socket,
        watched: Callable[[], Iterable[Path]],
    ) -> None:
        super().__init__(uvicorn.Config("", log_config=None), target, [listening])
        self.reloader_name = "stentor"
        self._watched = watched
        self._seen = _times(watched())

    def should_restart(self) -> list[Path] | None:
        self.pause()
        seen, self._seen = self._seen, _times(self._watched())
        return sorted({path for path, _ in seen.items() ^ self._seen.items()}) or None


def _times(files: Iterable[Path]) -> dict[Path, int]:
    times = {}
    for file in files:
        try:
            times[file] = file.stat().st_mtime_ns
        except OSError:
            continue  # as good as not there
    return times


def _files(given: Mapping[str, object]) -> Iterator[Path]:
    """What a server is made of: sources, engines and its configuration."""
    folders = [Path(package.__path__[0]) for package in (stentor, stentor_engine)]
    try:
        folders += [bundled_engines(), *load_config(given).engines.paths]
        file = config_file()
    except (ConfigurationError, OSError):
        file = None
    yield Path(os.environ.get("STENTOR_CONFIG") or "stentor.toml") if file is None else file
    for folder in folders:
        yield from folder.rglob("*.py")
