"""`stentor top`: a view of a running server that renews itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
from rich import box
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stentor.cli.client import open_server
from stentor.cli.failure import described, run_async
from stentor.cli.keys import pressed
from stentor.cli.load import load_config
from stentor.errors import StentorError

MIB = 2**20
WIDTH = 140
"""Columns where there is no terminal."""
NUMBERS = ("Memory", "Requests", "Waiting", "Idle")
GIVES_WAY = "Backend"
"""On a narrow terminal."""
COLUMNS = ("Model", GIVES_WAY, "State", "Device", *NUMBERS)
COLORS = {"ready": "green", "starting": "yellow", "draining": "yellow", "failed": "red"}


def run(*, server: str | None, interval: float, once: bool) -> int:
    return run_async(_watch(server, interval, once=once or not sys.stdout.isatty()))


async def _watch(server: str | None, interval: float, *, once: bool) -> int:
    """Until `q` is pressed, or it is interrupted. A server that goes away is waited for."""
    async with open_server(load_config(), server) as remote:
        status = await remote.admin("GET", "status")
        if once:
            Console(width=None if sys.stdout.isatty() else WIDTH).print(view(status))
            return 0
        quitted = asyncio.Event()
        with (
            pressed("q", quitted.set) as heard,
            Live(view(status), screen=True, auto_refresh=False) as live,
        ):
            end = usual = Text("q or Ctrl-C quits" if heard else "Ctrl-C quits", "dim")
            while not quitted.is_set():
                live.update(Group(view(status), end), refresh=True)
                await _pause(quitted, interval)
                try:
                    status = await remote.admin("GET", "status")
                    end = usual
                except (httpx2.HTTPError, StentorError) as error:
                    end = Text(described(error), "red")
    return 0


async def _pause(quitted: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(quitted.wait(), seconds)


def view(status: dict[str, Any]) -> RenderableType:
    """Of an answer of `/api/status`."""
    paused = f"   paused: {', '.join(status['paused'])}" if status["paused"] else ""
    devices = "   ".join(_device(name, each) for name, each in status["devices"].items())
    head = Text(f"Stentor {status['version']}   {devices}{paused}", "bold")
    return Group(head, _models(status["models"]), *_reasons(status["models"]))


def _reasons(models: list[dict[str, Any]]) -> Iterator[Text]:
    """Below the table: they are sentences."""
    for model in models:
        services = [each["service"] for each in model["backends"] if each["service"]]
        for reason in (each["reason"] for each in services if each["reason"]):
            yield Text(f"{model['name']}: {reason}", "dim")


def _device(name: str, device: dict[str, int]) -> str:
    used, most = device["used"] / MIB, device["budget"] / MIB
    return f"{name} {used:.0f} of {most:.0f} MiB"


def _models(models: list[dict[str, Any]]) -> Table:
    """Without the columns in which nothing stands: a terminal may be narrow."""
    rows = [
        [Text(model["name"] if index == 0 else ""), *_row(model, backend)]
        for model in models
        for index, backend in enumerate(model["backends"])
    ]
    shown = [at for at in range(len(COLUMNS)) if any(row[at].plain for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in (COLUMNS[at] for at in shown):
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        table.add_column(name, justify=justify, no_wrap=name != GIVES_WAY, overflow="ellipsis")
    for row in rows:
        table.add_row(*(row[at] for at in shown))
    return table


def _row(model: dict[str, Any], backend: dict[str, Any]) -> list[Text]:
    service, queue = backend["service"], model["queue"]
    requests, waiting = f"{queue['busy']}/{queue['slots']}", str(queue["waiting"] or "")
    if service is None:
        state = "elsewhere" if backend["healthy"] else "failing"
        return [Text(each) for each in (backend["name"], state, "", "", requests, waiting, "")]
    used = " + ".join(f"{bytes_ / MIB:.0f}" for bytes_ in service["used"].values())
    return [
        Text(backend["name"]),
        Text(service["state"], COLORS.get(service["state"], "dim")),
        Text(service["device"]),
        Text(f"{used} MiB" if used else ""),
        Text(requests),
        Text(waiting),
        Text(_idle(service)),
    ]


def _idle(service: dict[str, Any]) -> str:
    """How long it has been idle, and when that ends it."""
    if service["idle_seconds"] is None or service["state"] != "ready":
        return ""
    idle = f"{service['idle_seconds']:.0f} s"
    return f"{idle}, pinned" if service["pinned"] else f"{idle} of {service['idle_timeout']:.0f}"
