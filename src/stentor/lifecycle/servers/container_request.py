"""What Docker's API is asked for, and where a container is reached. Pure.

https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from stentor.lifecycle.servers.served import LOOPBACK, Address

LABEL = "stentor"
"""Of every container that was made: its value names the data folder that it was made for."""
OWNER_LABEL = "stentor.owner"
"""The process that made it: its id and when it began."""
_PATH = re.compile(r"[./~]")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - as Docker tells it


@dataclass(frozen=True)
class Wanted:
    """`image`: None for a container that is there. `port`: inside. `gpus`: all, or their ids."""

    image: str | None = None
    name: str | None = None
    port: int = 8000
    pull: bool = False
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    gpus: Literal["all"] | Sequence[str] = ()
    network: str | None = None
    shm_size: int | None = None


def creation(wanted: Wanted, labels: Mapping[str, str]) -> dict[str, Any]:
    """The body of a request to create it. Its port is published on loopback only."""
    port = f"{wanted.port}/tcp"
    host: dict[str, Any] = {"Binds": [_bind(each) for each in wanted.volumes]}
    if wanted.network != "host":
        host["PortBindings"] = {port: [{"HostIp": LOOPBACK, "HostPort": ""}]}
    if wanted.network is not None:
        host["NetworkMode"] = wanted.network
    if wanted.shm_size is not None:
        host["ShmSize"] = wanted.shm_size
    if wanted.gpus:
        which = {"Count": -1} if wanted.gpus == "all" else {"DeviceIDs": list(wanted.gpus)}
        host["DeviceRequests"] = [{"Driver": "nvidia", "Capabilities": [["gpu"]], **which}]
    body: dict[str, Any] = {
        "Image": wanted.image,
        "Env": [f"{name}={value}" for name, value in wanted.env.items()],
        "ExposedPorts": {port: {}},
        "Labels": dict(labels),
        "HostConfig": host,
    }
    return body | ({"Cmd": list(wanted.command)} if wanted.command else {})


def addresses(shown: Mapping[str, Any], port: int, docker: str) -> list[Address]:
    """Where a running container may be reached, the likeliest first: by a published port, or, from
    inside of another container of its network, by its own. `docker`: the URL of Docker's API.
    """
    host = urlsplit(docker).hostname if docker.startswith(("tcp:", "http:", "https:")) else None
    here = host or LOOPBACK
    if shown["HostConfig"].get("NetworkMode") == "host":
        return [Address(here, port)]
    settings = shown["NetworkSettings"]
    published = (settings.get("Ports") or {}).get(f"{port}/tcp") or []
    found = [
        Address(here if each.get("HostIp", "") in _EVERYWHERE else each["HostIp"], number)
        for each in published
        if (number := int(each.get("HostPort") or 0))
    ]
    networks = (settings.get("Networks") or {}).values()
    inside = [ip for each in (settings, *networks) if (ip := each.get("IPAddress"))]
    return list(dict.fromkeys([*found, *(Address(ip, port) for ip in inside)]))


def folder_label(data_dir: Path) -> str:
    """The same for the same folder, and no path."""
    return hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]


def used_memory(stats: Mapping[str, Any]) -> int | None:
    """Bytes of RAM; without what the kernel only keeps cached, as `docker stats` has it."""
    memory = stats.get("memory_stats") or {}
    usage = memory.get("usage")
    if not isinstance(usage, int):
        return None
    detail = memory.get("stats") or {}
    cached = detail.get("inactive_file", detail.get("total_inactive_file", 0))
    return max(0, usage - cached) if isinstance(cached, int) else usage


def _bind(volume: str) -> str:
    """A path of this machine made absolute; a volume's name as it is."""
    source, colon, rest = volume.partition(":")
    if _PATH.match(source):
        source = str(Path(source).expanduser().absolute())
    return f"{source}{colon}{rest}"
