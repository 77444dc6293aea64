"""`stentor models`."""

from __future__ import annotations

from stentor.cli.client import ModelInfo, open_client
from stentor.cli.failure import run_async
from stentor.cli.load import load_config
from stentor.cli.tables import Row, show
from stentor.config import Config


def run(*, as_json: bool, server: str | None) -> int:
    return run_async(_list(load_config(), server, as_json=as_json))


async def _list(config: Config, server: str | None, *, as_json: bool) -> int:
    async with open_client(config, server) as client:
        models = await client.models()
    show([_row(model) for model in models], as_json=as_json)
    return 0


def _row(model: ModelInfo) -> Row:
    return {
        "name": model.name,
        "task": model.task,
        "default": model.default,
        "state": model.state,
        "aliases": list(model.aliases),
        "languages": list(model.languages),
    }
