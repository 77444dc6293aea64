"""The Python that an engine's worker is started with."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.build import Told, build, renew_sdk
from stentor.lifecycle.environments.environment import Environment, environment_key, satisfied_here
from stentor.lifecycle.environments.script import Script, ScriptError, read_script

log = structlog.get_logger(__name__)


class Environments:
    """Those below one folder. Builds each once, however many ask for it."""

    def __init__(self, folder: Path, *, torch: str, timeout: float, nvidia: bool = False) -> None:
        """`torch`: which build of PyTorch, as uv names its backends; `timeout`: for a build;
        `nvidia`: engines are to use one of Nvidia's GPUs, which is there.
        """
        self._folder = folder
        self._torch = torch
        self._timeout = timeout
        self._nvidia = nvidia
        self._building: dict[Path, asyncio.Lock] = {}

    def find(self, file: Path) -> Environment | None:
        """Of an engine's file; None: the gateway's own has all that it needs. Raises
        ModelUnavailable for a file that does not say what it needs in a way that can be read.
        """
        script = self._script(file)
        return None if satisfied_here(script) else self._environment(script)

    async def pull(self, file: Path, told: Told) -> Environment | None:
        """The same, built where it is not there yet; `told` hears how that goes."""
        script = self._script(file)
        if satisfied_here(script):
            return None
        environment = self._environment(script)
        async with self._building.setdefault(environment.folder, asyncio.Lock()):
            if not environment.ready:
                log.info("environment_building", file=file.name, folder=environment.folder.name)
                torch, timeout = self._torch, self._timeout
                await build(environment, script, torch=torch, timeout=timeout, told=told)
        return environment

    async def python(self, engine: str, file: Path, *, may_build: bool) -> str:
        """What to start the engine with; raises ModelUnavailable, saying what to do."""
        environment = await self.pull(file, _unheard) if may_build else self.find(file)
        if environment is None:
            return sys.executable
        if not environment.ready:
            raise ModelUnavailable(
                f"engine '{engine}' is not installed: stentor models pull {engine}"
            )
        await asyncio.to_thread(renew_sdk, environment)
        return str(environment.python)

    def _environment(self, script: Script) -> Environment:
        return Environment(self._folder / environment_key(script, torch=self._torch))

    def _script(self, file: Path) -> Script:
        try:
            script = read_script(file.read_text())
        except (OSError, UnicodeDecodeError, ScriptError) as error:
            raise ModelUnavailable(f"{file.name} does not say what it needs: {error}") from error
        return script.with_cuda() if self._nvidia else script


def _unheard(line: str) -> None:
    pass
