"""`stentor doctor`: tries the parts, and says what to do about those that fail. It fetches nothing,
and what a running server does is done by that server alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from stentor.app import Stentor
from stentor.cli.checks.finding import Finding
from stentor.cli.checks.machine import machine
from stentor.cli.checks.models import better, models
from stentor.cli.checks.own import OwnTrial, without_pulling
from stentor.cli.checks.served import ServerTrial
from stentor.cli.checks.server import server
from stentor.cli.checks.trial import Trial
from stentor.cli.client import open_own_server
from stentor.cli.failure import run_async
from stentor.cli.load import load_config
from stentor.config import Config
from stentor.telemetry.log import configure_logging


def run(*, as_json: bool) -> int:
    configure_logging("critical")  # what fails is a finding
    return run_async(_examine(load_config(), as_json=as_json))


async def _examine(config: Config, *, as_json: bool) -> int:
    """The exit status: 1 when something is bad."""
    stentor = Stentor(without_pulling(config))
    found: list[Finding] = []
    try:
        async for finding in _findings(config, stentor):
            found.append(finding)
            if not as_json:
                print(finding, flush=True)
    finally:
        await stentor.close()
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    return int(any(finding.state == "bad" for finding in found))


async def _findings(config: Config, stentor: Stentor) -> AsyncIterator[Finding]:
    for finding in machine(config):
        yield finding
    async for finding in server(config):
        yield finding
    async with _trial(config, stentor) as trial:
        async for finding in models(trial, stentor):
            yield finding
    for finding in better(stentor):
        yield finding


@asynccontextmanager
async def _trial(config: Config, stentor: Stentor) -> AsyncIterator[Trial]:
    """In the server that runs on this machine: beside it, models would take their memory twice."""
    async with open_own_server(config) as remote:
        yield OwnTrial(stentor) if remote is None else ServerTrial(remote)
