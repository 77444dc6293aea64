"""What `stentor models remove` would take away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stentor.cli.installed import Installed, Target
from stentor.config import EngineBackendConfig, ModelConfig
from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.environment import COMPLETE
from stentor.lifecycle.weights.wanted import Wanted
from stentor.storage.locks import LOCKS, PARTIAL, is_free


@dataclass(frozen=True)
class Folder:
    what: str
    path: Path
    half: bool = False
    """It was not made to its end."""

    @property
    def complete(self) -> bool:
        return (self.path / COMPLETE).is_file()

    @property
    def stands(self) -> bool:
        """As it was found: another process may be done with it."""
        return self.path.is_dir() and not (self.half and self.complete)


def named_models(installed: Installed, names: Collection[str]) -> list[str]:
    """Those of these names, and those that have nothing but engines of these names."""
    engines = _engines(installed, names)
    return [
        name
        for name, model in installed.models.items()
        if name in names or all(each & engines for each in _called(model))
    ]


def users(installed: Installed, folders: Iterable[Folder]) -> list[str]:
    """The models that run with what is in these folders."""
    paths = {each.path for each in folders}
    using = (each.model for each in installed.configured() if installed.places(each) & paths)
    return list(dict.fromkeys(name for name in using if name is not None))


def named(installed: Installed, names: Collection[str]) -> Iterator[Folder]:
    """What is only there for these. Raises UsageError."""
    targets = [target for name in names for target in installed.targets(name)]
    bare = {each.engine for each in targets if each.model is None and each.weights is None}
    engines = _engines(installed, names)
    rest = [
        each
        for each in installed.configured()
        if each.model not in names and not _names(each.engine, each.weights) & engines
    ]
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


def unused(installed: Installed) -> Iterator[Folder]:
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


def _engines(installed: Installed, names: Collection[str]) -> set[str]:
    """Which of them are engines': a model's name means the model."""
    return {name for name in names if name not in installed.models}


def _called(model: ModelConfig) -> Iterator[set[str]]:
    """What each of its backends may be called, if it is an engine."""
    for each in model.backends:
        yield _names(each.engine, model.weights) if isinstance(each, EngineBackendConfig) else set()


def _names(engine: str, weights: str | None) -> set[str]:
    return {engine, f"{engine}:{weights}"}


def _wanted(targets: Iterable[Target]) -> Iterator[Wanted]:
    for target in targets:
        try:
            wanted = target.wanted()
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
