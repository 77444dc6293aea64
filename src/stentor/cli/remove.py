"""`stentor models remove`: gives back what models and engines took of the disk."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stentor.cli.failure import UsageError, run_async
from stentor.cli.installed import Installed, Target
from stentor.cli.load import load_config
from stentor.cli.tables import mebibytes
from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.environment import COMPLETE
from stentor.lifecycle.weights.wanted import Wanted, resolve
from stentor.storage.locks import LOCKS, PARTIAL, is_free, locked
from stentor.storage.size import size_of
from stentor.telemetry.log import configure_logging

LOCK_TIMEOUT = 2.0
"""Seconds that a folder may be in another process's hands."""


@dataclass(frozen=True)
class Folder:
    what: str
    path: Path
    half: bool = False
    """It was not made to its end."""

    @property
    def stands(self) -> bool:
        """As it was found: another process may be done with it."""
        return self.path.is_dir() and not (self.half and (self.path / COMPLETE).is_file())


def run(names: Sequence[str], *, unused: bool, yes: bool) -> int:
    if not names and not unused:
        raise UsageError("name models or engines, or give --unused")
    configure_logging("critical")
    installed = Installed(load_config())
    found = dict.fromkeys(_named(installed, names))
    if unused:
        found |= dict.fromkeys(_unused(installed))
    folders = [each for each in found if each.path.is_dir()]
    if not folders:
        _say("there is nothing to remove")
        return 0
    for each in folders:
        _say(f"{each.what}: {mebibytes(size_of(each.path))}, {each.path}")
    if not (yes or _asked()):
        return 1
    return run_async(_remove(folders))


def _named(installed: Installed, names: Sequence[str]) -> Iterator[Folder]:
    """What is only there for these. Raises UsageError."""
    targets = [target for name in names for target in installed.targets(name)]
    bare = {target.engine for target in targets if target.model is None}
    rest = [each for each in installed.configured() if not {each.model, each.engine} & {*names}]
    kept = {wanted.key for wanted in _wanted(rest)}
    declared = [
        Wanted(name, parts)
        for target in targets
        if target.engine in bare
        for name, parts in target.declaration.weights.items()
    ]
    of_engines = [each for each in installed.configured() if each.engine in bare]
    for wanted in (*_wanted([*targets, *of_engines]), *declared):
        if wanted.key not in kept:
            yield from _both(installed, f"weights {wanted.name}", wanted)
    files = {target.file for target in targets}
    used = {each.file for each in rest}
    for file in files:
        environment = installed.environment(file)
        others = {name for name, other in installed.engines.items() if other not in files}
        shared = {installed.environment(installed.engines[name]) for name in others}
        if environment is not None and environment not in shared and file not in used:
            yield Folder(f"environment of {file.stem}", environment)


def _unused(installed: Installed) -> Iterator[Folder]:
    """What no engine and no model refers to any more. Of an engine's weights those count that a
    model names, and the usual ones.
    """
    usual = [Target(None, file, d) for d, file in installed.declarations()]
    kept = {each.key for each in _wanted([*installed.configured(), *usual])}
    for path in _folders(installed.weights.root):
        if path.name.removesuffix(PARTIAL) not in kept:
            yield Folder("weights that nothing refers to", path)
    needed = {installed.environment(file) for file in installed.engines.values()}
    for path in _folders(installed.config.storage.data_dir / "environments"):
        if not (path / COMPLETE).is_file():
            if is_free(path.parent, path.name.removesuffix(PARTIAL)):
                yield Folder("environment that was not built to its end", path, half=True)
        elif path not in needed:
            yield Folder("environment that nothing refers to", path)


def _wanted(targets: Iterable[Target]) -> Iterator[Wanted]:
    for target in targets:
        try:
            wanted = resolve(target.declaration, target.weights)
        except ModelUnavailable:
            continue  # what means nothing takes no disk
        if isinstance(wanted, Wanted):
            yield wanted


def _both(installed: Installed, what: str, wanted: Wanted) -> Iterator[Folder]:
    yield Folder(what, installed.weights.place(wanted))
    yield Folder(f"{what}, begun", installed.weights.begun(wanted))


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name != LOCKS)


def _asked() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("this is no terminal that could be asked: give --yes")
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _remove(folders: Sequence[Folder]) -> int:
    for each in folders:
        key = each.path.name.removesuffix(PARTIAL)
        try:
            async with asyncio.timeout(LOCK_TIMEOUT), locked(each.path.parent, key, _unheard):
                if each.stands:
                    _delete(each.path)
        except TimeoutError as error:
            raise ModelUnavailable(f"{each.what}: another process is just at it") from error
    return 0


def _delete(folder: Path) -> None:
    """What is half removed passes for nothing."""
    (folder / COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _unheard() -> None:
    pass


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
