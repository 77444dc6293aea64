"""The Python that an engine's worker is started with."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.build import Told, build, renew_sdk
from stentor.lifecycle.environments.environment import Environment, environment_key, satisfied_here
from stentor.lifecycle.environments.inventory import described, lost_files
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
        self._damaged: set[Path] = set()
        """Those of which a worker did not start, for want of files."""

    def find(self, file: Path) -> Environment | None:
        """Of an engine's file; None: the gateway's own has all that it needs. Raises
        ModelUnavailable for a file that does not say what it needs in a way that can be read.
        """
        script = self._script(file)
        return None if satisfied_here(script) else self._environment(script)

    async def pull(self, file: Path, told: Told, *, anew: bool = False) -> Environment | None:
        """The same, built where it is not there yet, or has lost files, or is wanted `anew`;
        `told` hears how that goes.
        """
        script = self._script(file)
        if satisfied_here(script):
            return None
        environment = self._environment(script)
        async with self._building.setdefault(environment.folder, asyncio.Lock()):
            lost = await asyncio.to_thread(lost_files, environment)
            if anew or lost or not environment.ready:
                log.info("environment_building", file=file.name, folder=environment.folder.name)
                torch, timeout = self._torch, self._timeout
                await build(environment, script, torch=torch, timeout=timeout, told=told, anew=anew)
            self._damaged.discard(environment.folder)
        return environment

    async def python(self, engine: str, file: Path, *, may_build: bool) -> str:
        """What to start the engine with; raises ModelUnavailable, saying what to do."""
        environment = self.find(file)
        if environment is None:
            return sys.executable
        if may_build and (not environment.ready or environment.folder in self._damaged):
            await self.pull(file, _unheard)
        if not environment.ready:
            raise ModelUnavailable(
                f"engine '{engine}' is not installed: stentor models pull {engine}"
            )
        try:
            await asyncio.to_thread(renew_sdk, environment)
        except (OSError, ValueError) as error:
            lost = await self.damage(engine, file)
            written = isinstance(error, OSError) and f"its SDK cannot be renewed: {error.strerror}"
            why = lost or written or _suspected(engine)
            raise ModelUnavailable(f"engine '{engine}' could not be started: {why}") from error
        return str(environment.python)

    async def damage(self, name: str, file: Path) -> str:
        """What the environment of an engine's file has lost, and what to do: for a model, or an
        engine, of that name whose worker did not start. Empty: nothing. A start that may build
        builds it anew, then.
        """
        environment = self.find(file)
        if environment is None or not environment.ready:
            return ""
        lost = await asyncio.to_thread(lost_files, environment)
        if not lost:
            return ""
        self._damaged.add(environment.folder)
        return f"its environment is damaged, {described(lost)}: stentor models pull {name}"

    async def blame(self, name: str, file: Path) -> str:
        """The same for one that ended before it said anything, which it may do for want of what
        nobody sees. Empty where it had the gateway's own Python.
        """
        environment = self.find(file)
        if environment is None:
            return ""
        return await self.damage(name, file) or _suspected(name)

    def _environment(self, script: Script) -> Environment:
        return Environment(self._folder / environment_key(script, torch=self._torch))

    def _script(self, file: Path) -> Script:
        try:
            script = read_script(file.read_text())
        except (OSError, UnicodeDecodeError, ScriptError) as error:
            raise ModelUnavailable(f"{file.name} does not say what it needs: {error}") from error
        return script.with_cuda() if self._nvidia else script


def _suspected(name: str) -> str:
    return f"its environment may be damaged: stentor models pull {name} --anew"


def _unheard(line: str) -> None:
    pass
