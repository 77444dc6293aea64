"""Backends as the configuration tells of them, one function for each kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stentor.backends.base import Backend
from stentor.backends.engine import EngineBackend
from stentor.config import (
    BackendConfig,
    Config,
    ConfigurationError,
    ContainerBackendConfig,
    EngineBackendConfig,
    ModelConfig,
    ProcessBackendConfig,
)
from stentor.errors import ModelUnavailable
from stentor.lifecycle.catalog import declared, no_engine, twin
from stentor.lifecycle.device import choose_device
from stentor.lifecycle.environments.store import Environments
from stentor.lifecycle.needs import Policy
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.weights.store import WeightsStore
from stentor.lifecycle.weights.wanted import TwoRevisions, resolve
from stentor.lifecycle.workers.process import WorkerCommand
from stentor.lifecycle.workers.worker import Worker
from stentor_engine.loader import Declaration

MIB = 2**20


@dataclass(frozen=True)
class Place:
    """What the backends of one machine share."""

    config: Config
    engines: Mapping[str, Path]
    """From names to files."""
    environments: Environments
    weights: WeightsStore
    residency: Residency
    devices: tuple[str, ...]
    """Kinds that this machine has, the best one first."""
    looked: Callable[[], None]
    """Is called when what a start needs was looked for, and got where that may be: other models may
    be here than before.
    """

    def sources(self, model: ModelConfig) -> tuple[object, ...]:
        """What beside the model's own keys makes its backends what they are."""
        config = self.config
        named = [each.engine for each in model.backends if isinstance(each, EngineBackendConfig)]
        files = [self.engines.get(engine) for engine in named]
        engines = config.engines.model_copy(update={"languages": []})  # a wish, no backend's own
        return (config.lifecycle, engines, config.storage, *map(_written, files))


def _written(file: Path | None) -> tuple[Path, int] | None:
    """Another value for another engine file."""
    return None if file is None else (file, file.stat().st_mtime_ns)


def build_backends(name: str, model: ModelConfig, place: Place) -> list[Backend]:
    """Of one model, in its order of preference. Raises ConfigurationError."""
    engines = [each for each in model.backends if isinstance(each, EngineBackendConfig)]
    if model.checksum and not engines:
        raise ConfigurationError(
            f"model '{name}' has a `checksum`, and no engine whose weights it could be of"
        )
    return [_build(name, index, model, place) for index in range(len(model.backends))]


def _build(name: str, index: int, model: ModelConfig, place: Place) -> Backend:
    backend = model.backends[index]
    if isinstance(backend, EngineBackendConfig):
        return _engine(name, index, model, backend, place)
    return _served(name, index, model, backend, place)


def _engine(
    name: str, index: int, model: ModelConfig, backend: EngineBackendConfig, place: Place
) -> Backend:
    config = place.config
    engine = backend.engine
    if engine not in place.engines:
        raise ConfigurationError(no_engine(engine, place.engines, config.engines.paths))
    if other := twin(engine, place.engines[engine]):
        both = f"{other.name} and {place.engines[engine].name}"
        raise ConfigurationError(f"there are two engines '{engine}', in {both}")
    declaration = declared(engine, place.engines)
    _check_weights(name, model, declaration)
    device = choose_device(backend.device, declaration.devices, place.devices)
    settings = {"device": device, "options": backend.options}
    file = place.engines[engine]
    title = f"engine:{engine}" + (f":{index}" if index else "")
    worker = Worker(
        WorkerCommand(engine, file, settings),
        start_timeout=config.lifecycle.start_timeout,
        prepare=partial(_prepare, name, model, declaration, place),
        explain=partial(_explain, name, place),
        name=place.residency.name(f"{name}/{title}"),
        policy=policy(model, backend, device, declaration.memory_mb * MIB, config),
        room=place.residency,
    )
    stall_timeout = config.lifecycle.stall_timeout
    parallel = backend.max_parallel
    return EngineBackend(title, worker, max_parallel=parallel, stall_timeout=stall_timeout)


def _check_weights(name: str, model: ModelConfig, declaration: Declaration) -> None:
    """What can be told before any are looked for. Raises ConfigurationError."""
    if model.checksum and not declaration.weights:
        raise ConfigurationError(
            f"model '{name}' has a `checksum`, and its engine '{declaration.name}' declares no "
            "weights that it could be of"
        )
    try:
        resolve(declaration, model.weights, model.revision)
    except TwoRevisions as error:
        raise ConfigurationError(f"model '{name}': {error}") from error
    except ModelUnavailable:
        pass  # a request will be told


async def _prepare(
    name: str, model: ModelConfig, engine: Declaration, place: Place, command: WorkerCommand
) -> WorkerCommand:
    """With its environment and its weights: those that are there, or that are got now."""
    may = place.config.engines.pull_on_request
    try:
        python = await place.environments.python(command.engine, command.file, may_build=may)
        folder = await place.weights.folder(
            name,
            engine,
            model.weights,
            may_fetch=may,
            revision=model.revision,
            checksum=model.checksum,
        )
    finally:
        place.looked()
    return replace(command, python=python, settings={**command.settings, "weights": folder})


async def _explain(name: str, place: Place, command: WorkerCommand, silent: bool) -> str:
    """Why a worker may not have started, by the look of its environment."""
    look = place.environments.blame if silent else place.environments.damage
    return await look(name, command.file)


def _served(
    name: str,
    index: int,
    model: ModelConfig,
    backend: ProcessBackendConfig | ContainerBackendConfig,
    place: Place,
) -> Backend:
    # Imported only here: who has engines alone does not wait for an HTTP client to be imported.
    from stentor.backends import configured_served as served

    title = served.title(backend) + (f":{index}" if index else "")
    return served.build(
        name,
        title,
        backend,
        place.config,
        service_name=place.residency.name(f"{name}/{title}"),
        policy=replace(
            policy(model, backend, served.device(backend), 0, place.config),
            exclusive=served.exclusive(backend),
        ),
        room=place.residency,
    )


def policy(
    model: ModelConfig, backend: BackendConfig, device: str, memory: int, config: Config
) -> Policy:
    """`memory`: bytes that it is said to take of its device, where the configuration does not
    tell.
    """
    idle = model.idle_timeout
    return Policy(
        device=device,
        memory=memory if backend.memory is None else int(backend.memory),
        idle_timeout=config.lifecycle.idle_timeout if idle is None else idle,
        keep_warm=model.keep_warm,
        memory_limit=math.inf if model.memory_limit is None else int(model.memory_limit),
    )
