"""`stentor top`: a view of a running server that renews itself."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx2
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stentor.cli.client import open_server
from stentor.cli.failure import described, run_async
from stentor.cli.load import load_config
from stentor.errors import StentorError

MIB = 2**20
WIDTH = 140
"""Columns where there is no terminal."""
COLORS = {"ready": "green", "starting": "yellow", "draining": "yellow", "failed": "red"}


def run(*, server: str | None, interval: float, once: bool) -> int:
    return run_async(_watch(server, interval, once=once or not sys.stdout.isatty()))


async def _watch(server: str | None, interval: float, *, once: bool) -> int:
    """Until it is interrupted. A server that goes away is waited for."""
    async with open_server(load_config(), server) as remote:
        status = await remote.admin("GET", "status")
        if once:
            Console(width=None if sys.stdout.isatty() else WIDTH).print(view(status))
            return 0
        with Live(view(status), screen=True, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(interval)
                try:
                    status = await remote.admin("GET", "status")
                    live.update(view(status), refresh=True)
                except (httpx2.HTTPError, StentorError) as error:
                    live.update(Group(view(status), Text(described(error), "red")), refresh=True)


def view(status: dict[str, Any]) -> RenderableType:
    """Of an answer of `/api/status`."""
    paused = f"   paused: {', '.join(status['paused'])}" if status["paused"] else ""
    devices = "   ".join(_device(name, each) for name, each in status["devices"].items())
    head = Text(f"Stentor {status['version']}   {devices}{paused}", "bold")
    return Group(head, _models(status["models"]))


def _device(name: str, device: dict[str, int]) -> str:
    used, most = device["used"] / MIB, device["budget"] / MIB
    return f"{name} {used:.0f} of {most:.0f} MiB"


def _models(models: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Model", "Backend", "State", "Device"):
        table.add_column(name, overflow="fold")
    for name in ("Memory", "Requests", "Waiting", "Idle"):
        table.add_column(name, justify="right")
    table.add_column("Why", overflow="fold")
    for model in models:
        for index, backend in enumerate(model["backends"]):
            name = model["name"] if index == 0 else ""
            table.add_row(Text(name), *_row(model, backend))
    return table


def _row(model: dict[str, Any], backend: dict[str, Any]) -> list[Text]:
    service, queue = backend["service"], model["queue"]
    requests, waiting = f"{queue['busy']}/{queue['slots']}", str(queue["waiting"] or "")
    if service is None:
        state = "elsewhere" if backend["healthy"] else "failing"
        return [Text(each) for each in (backend["name"], state, "", "", requests, waiting, "", "")]
    used = " + ".join(f"{bytes_ / MIB:.0f}" for bytes_ in service["used"].values())
    return [
        Text(backend["name"]),
        Text(service["state"], COLORS.get(service["state"], "dim")),
        Text(service["device"]),
        Text(f"{used} MiB" if used else ""),
        Text(requests),
        Text(waiting),
        Text(_idle(service)),
        Text(service["reason"]),
    ]


def _idle(service: dict[str, Any]) -> str:
    """How long it has been idle, and when that ends it."""
    if service["idle_seconds"] is None or service["state"] != "ready":
        return ""
    idle = f"{service['idle_seconds']:.0f} s"
    return f"{idle}, pinned" if service["pinned"] else f"{idle} of {service['idle_timeout']:.0f}"
