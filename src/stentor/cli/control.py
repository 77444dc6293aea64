"""`stentor models load`, `unload`, `pause` and `resume`: what a running server is told to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from stentor.cli.client import open_server
from stentor.cli.failure import run_async
from stentor.cli.load import load_config


def run(order: str, names: Sequence[str] = (), *, server: str | None, **body: Any) -> int:
    """`order`: load, unload, pause or resume; `names`: of models, for the first two."""
    return run_async(_tell(order, names, server, body))


async def _tell(order: str, names: Sequence[str], server: str | None, body: dict[str, Any]) -> int:
    given = {key: value for key, value in body.items() if value is not None}
    async with open_server(load_config(), server) as remote:
        for name in names:
            model = await remote.admin("POST", f"models/{quote(name)}/{order}", given)
            print(f"{model['name']}: {_states(model)}", file=sys.stderr)
        if not names:
            status = await remote.admin("POST", order, given)
            paused = ", ".join(status["paused"])
            print(f"paused: {paused}" if paused else "nothing is paused", file=sys.stderr)
    return 0


def _states(model: dict[str, Any]) -> str:
    services = [each["service"] for each in model["backends"] if each["service"]]
    return ", ".join(each["state"] for each in services) or "it runs elsewhere"
