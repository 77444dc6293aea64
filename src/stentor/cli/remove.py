"""`stentor models remove`: gives back what models and engines took of the disk."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from stentor.cli.failure import UsageError, run_async
from stentor.cli.installed import Installed
from stentor.cli.load import load_config, read_config
from stentor.cli.removable import Folder, named, named_models, unused, users
from stentor.cli.tables import mebibytes
from stentor.cli.tell import tell_server, unload
from stentor.config import config_file, own_models
from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.environment import COMPLETE
from stentor.storage.kept_models import KeptModels
from stentor.storage.locks import PARTIAL, locked
from stentor.storage.size import size_of
from stentor.telemetry.log import configure_logging

LOCK_TIMEOUT = 2.0
"""Seconds that a folder may be in another process's hands."""


def run(names: Sequence[str], *, unused: bool, yes: bool) -> int:
    if not names and not unused:
        raise UsageError("name models or engines, or give --unused")
    configure_logging("critical")
    installed = Installed(load_config())
    folders = _folders(installed, names, with_unused=unused)
    models = named_models(installed, names)
    pulled = _kept(installed).read()
    kept = [name for name in models if name in pulled]
    if not folders and not kept:
        _say("there is nothing to remove")
        return 0
    for each in folders:
        _say(f"{each.what}: {mebibytes(size_of(each.path))}, {each.path}")
    for name in kept:
        _say(f"model {name}, which was pulled or created")
    if not (yes or _asked()):
        return 1
    return run_async(_remove(installed, folders, models, kept))


def _folders(installed: Installed, names: Sequence[str], *, with_unused: bool) -> list[Folder]:
    """Raises UsageError."""
    found = dict.fromkeys(named(installed, names))
    if with_unused:
        found |= dict.fromkeys(unused(installed))
    return [each for each in found if each.path.is_dir()]


def _kept(installed: Installed) -> KeptModels:
    return KeptModels(installed.config.storage.data_dir)


def _asked() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("this is no terminal that could be asked: give --yes")
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _remove(
    installed: Installed, folders: Sequence[Folder], models: Sequence[str], kept: Collection[str]
) -> int:
    """What goes passes for nothing before a server stops the models that run with it: or their next
    requests would start them again, and lose the files under them.
    """
    busy = [each for each in folders if not await _discarded(each)]
    if folders:
        await unload(users(installed, folders))
    busy += [each for each in folders if each not in busy and not await _deleted(each)]
    if busy:
        raise ModelUnavailable(f"{busy[0].what}: another process is just at it")
    if kept:
        store = _kept(installed)
        store.write({name: each for name, each in store.read().items() if name not in kept})
        await tell_server()
    own = own_models(read_config())
    file = config_file()
    for name in models:
        if name in own:
            _say(f"{name} stays a model: {file.name if file else 'the environment'} has it")
    return 0


async def _discarded(folder: Folder) -> bool:
    """It passes for nothing from now on. False: another process has it."""
    async with _held(folder) as held:
        if held and folder.stands:
            (folder.path / COMPLETE).unlink(missing_ok=True)
    return held


async def _deleted(folder: Folder) -> bool:
    """It is gone, but for what somebody made anew meanwhile. False: another process has it."""
    async with _held(folder) as held:
        if held and folder.path.is_dir() and not folder.complete:
            shutil.rmtree(folder.path)
    return held


@asynccontextmanager
async def _held(folder: Folder) -> AsyncIterator[bool]:
    """No other process is at it. False: one is."""
    key = folder.path.name.removesuffix(PARTIAL)
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(LOCK_TIMEOUT):
                await stack.enter_async_context(locked(folder.path.parent, key, _unheard))
        except TimeoutError:
            held = False
        else:
            held = True
        yield held


def _unheard() -> None:
    pass


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
