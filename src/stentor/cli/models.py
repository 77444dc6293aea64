"""`stentor models`."""

from __future__ import annotations

import os

from stentor.cli.client import ModelInfo, open_client
from stentor.cli.failure import run_async
from stentor.cli.installed import Installed
from stentor.cli.load import load_config
from stentor.cli.tables import Row, Size, show
from stentor.config import Config


def run(*, as_json: bool, server: str | None) -> int:
    return run_async(_list(load_config(), server, as_json=as_json))


async def _list(config: Config, server: str | None, *, as_json: bool) -> int:
    async with open_client(config, server) as client:
        models = await client.models()
    elsewhere = bool(server or os.environ.get("STENTOR_URL"))
    installed = None if elsewhere else Installed(config)  # whose disk cannot be looked at from here
    show([_row(model, installed) for model in models], as_json=as_json)
    return 0


def _row(model: ModelInfo, installed: Installed | None) -> Row:
    return {
        "name": model.name,
        "task": model.task,
        "default": model.default,
        "state": model.state,
        "memory_bytes": _size(model.memory),
        "disk_bytes": _size(installed.size(model.name) if installed else None),
        "aliases": list(model.aliases),
        "languages": list(model.languages),
    }


def _size(known: int | None) -> Size | None:
    return None if known is None else Size(known)
