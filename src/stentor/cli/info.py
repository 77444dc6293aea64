"""`stentor models info`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from stentor.cli.client import ModelInfo, open_client, open_server, running_server
from stentor.cli.failure import run_async
from stentor.cli.installed import Installed, Target
from stentor.cli.load import load_config
from stentor.cli.tables import mebibytes
from stentor.config import Config
from stentor.errors import ModelUnavailable, StentorError
from stentor.lifecycle.weights.wanted import Wanted
from stentor.storage.size import size_of
from stentor.telemetry.log import configure_logging


@dataclass(frozen=True)
class Seen:
    """What a server knows of it. `instead`: of a state, where there is no such model."""

    model: ModelInfo | None = None
    instead: str = ""


def run(name: str, *, as_json: bool) -> int:
    configure_logging("critical")
    return run_async(_info(name, Installed(load_config()), as_json=as_json))


async def _info(name: str, installed: Installed, *, as_json: bool) -> int:
    name = await _meant(name, installed)
    targets = installed.targets(name)
    seen = await _seen(name, installed.config)
    model = seen.model
    told: dict[str, Any] = {
        "name": name,
        "aliases": list(model.aliases) if model else _aliases(name, installed),
        "state": model.state if model else None,
        "reason": await _reason(name, installed.config) if model else "",
        "languages": list(model.languages) if model else [],
        "engines": [_engine(target, installed) for target in targets],
    }
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    for key, value in _lines(told, seen.instead):
        print(f"{key:<15}{value}" if sys.stdout.isatty() else f"{key}\t{value}")
    return 0


async def _meant(name: str, installed: Installed) -> str:
    """The model that an alias means."""
    if name in installed.models or name.partition(":")[0] in installed.engines:
        return name
    with suppress(httpx2.HTTPError, StentorError):
        async with open_client(installed.config, None) as client:
            models = await client.models()
        return next((each.name for each in models if name in each.aliases), name)
    return name


async def _reason(name: str, config: Config) -> str:
    """Why the server does not have it running; empty where it tells nothing."""
    with suppress(httpx2.HTTPError, StentorError):
        async with open_server(config, None) as remote:
            model = await remote.admin("GET", f"models/{quote(name)}")
        services = [each["service"] for each in model["backends"] if each["service"]]
        return "; ".join(each["reason"] for each in services if each["reason"])
    return ""


async def _seen(name: str, config: Config) -> Seen:
    try:
        if not os.environ.get("STENTOR_URL") and await running_server(config) is None:
            return Seen(instead="no server runs")
        async with open_client(config, None) as client:
            models = {each.name: each for each in await client.models()}
    except (httpx2.HTTPError, StentorError) as error:
        print(f"the server does not answer: {error}", file=sys.stderr)
        return Seen(instead="not known")
    return Seen(models[name]) if name in models else Seen(instead="no model of the server")


def _aliases(name: str, installed: Installed) -> list[str]:
    return list(installed.models[name].aliases) if name in installed.models else []


def _engine(target: Target, installed: Installed) -> dict[str, Any]:
    environment = installed.environments.find(target.file)
    ready = environment is not None and environment.ready
    return {
        "engine": target.engine,
        "file": str(target.file),
        "task": target.declaration.task,
        "device": target.device,
        "devices": list(target.declaration.devices),
        "memory_mb": target.declaration.memory_mb or None,
        "environment": str(environment.folder) if environment and ready else None,
        "environment_bytes": environment.size if environment and ready else 0,
        "installed": environment is None or ready,
        **_weights(target, installed),
    }


def _weights(target: Target, installed: Installed) -> dict[str, Any]:
    told: dict[str, Any] = {"weights": target.weights, "folder": None, "weights_bytes": 0}
    try:
        wanted = target.wanted()
    except ModelUnavailable as error:
        return told | {"here": False, "licence": None, "choices": [], "problem": str(error)}
    choices = list(target.declaration.weights)
    told |= {"licence": None, "choices": choices, "here": True, "problem": None}
    if isinstance(wanted, Path):
        size = size_of(wanted)
        return told | {"folder": str(wanted), "weights_bytes": size, "here": wanted.exists()}
    if not isinstance(wanted, Wanted):
        return told
    here, place = installed.weights.has(wanted), installed.weights.place(wanted)
    return told | {
        "weights": wanted.name,
        "folder": str(place) if here else None,
        "weights_bytes": size_of(place),
        "here": here,
        "licence": "; ".join(wanted.licences) or None,
    }


def _lines(told: dict[str, Any], instead: str) -> Iterator[tuple[str, str]]:
    yield "name", told["name"]
    if told["aliases"]:
        yield "aliases", ", ".join(told["aliases"])
    yield "state", told["state"] or instead or "not known"
    if told["reason"]:
        yield "reason", told["reason"]
    if told["languages"]:
        yield "languages", ", ".join(told["languages"])
    for each in told["engines"]:
        yield "engine", f"{each['engine']} ({each['file']})"
        if each["task"]:
            yield "task", each["task"]
        yield "device", f"{each['device']}, of {', '.join(each['devices'])}"
        if each["memory_mb"]:
            yield "memory", f"about {each['memory_mb']} MiB"
        yield "environment", _environment(each)
        yield "weights", _described(each)
        if each["licence"]:
            yield "licence", each["licence"]


def _environment(told: dict[str, Any]) -> str:
    if told["environment"]:
        return f"{told['environment']}, {mebibytes(told['environment_bytes'])}"
    if told["installed"]:
        return "needs nothing that is not there"
    return f"not installed: stentor models pull {told['engine']}"


def _described(told: dict[str, Any]) -> str:
    name = told["weights"]
    if told["problem"]:
        return str(told["problem"])
    if told["folder"]:
        what = f"{name}, {told['folder']}, {mebibytes(told['weights_bytes'])}"
        return what if told["here"] else f"{name}, which are not there"
    if told["here"]:
        return str(name) if name else "it brings its own"
    return f"{name}, not here: stentor models pull"
