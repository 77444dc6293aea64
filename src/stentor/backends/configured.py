"""Backends as the configuration tells of them, one function for each kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stentor.backends.base import Backend
from stentor.backends.engine import EngineBackend
from stentor.config import BackendConfig, Config, ConfigurationError, ModelConfig
from stentor.lifecycle.catalog import declared
from stentor.lifecycle.device import choose_device
from stentor.lifecycle.environments import Environments
from stentor.lifecycle.process import WorkerCommand
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import Policy
from stentor.lifecycle.worker import Worker

MIB = 2**20


@dataclass(frozen=True)
class Place:
    """What the backends of one machine share."""

    config: Config
    engines: Mapping[str, Path]
    """From names to files."""
    environments: Environments
    residency: Residency
    devices: tuple[str, ...]
    """Kinds that this machine has, the best one first."""

    def sources(self, model: ModelConfig) -> tuple[object, ...]:
        """What beside the model's own keys makes its backends what they are."""
        config = self.config
        files = [self.engines.get(backend.engine) for backend in model.backends]
        return (config.lifecycle, config.engines, config.storage, *map(_written, files))


def _written(file: Path | None) -> tuple[Path, int] | None:
    """Another value for another engine file."""
    return None if file is None else (file, file.stat().st_mtime_ns)


def build_backends(name: str, model: ModelConfig, place: Place) -> list[Backend]:
    """Of one model, in its order of preference. Raises ConfigurationError."""
    return [_engine(name, index, model, place) for index in range(len(model.backends))]


def _engine(name: str, index: int, model: ModelConfig, place: Place) -> Backend:
    backend, config = model.backends[index], place.config
    engine = backend.engine
    if engine not in place.engines:
        known = ", ".join(sorted(place.engines))
        raise ConfigurationError(f"there is no engine '{engine}'; there are: {known}")
    declaration = declared(engine, place.engines)
    device = choose_device(backend.device, declaration.devices, place.devices)
    settings = {"device": device, "weights": model.weights, "options": backend.options}
    file = place.engines[engine]
    may_build = config.engines.pull_on_request
    title = f"engine:{engine}" + (f":{index}" if index else "")
    worker = Worker(
        WorkerCommand(engine, file, settings),
        start_timeout=config.lifecycle.start_timeout,
        find_python=partial(place.environments.python, engine, file, may_build=may_build),
        name=place.residency.name(f"{name}/{title}"),
        policy=policy(model, backend, device, declaration.memory_mb * MIB, config),
        room=place.residency,
    )
    stall_timeout = config.lifecycle.stall_timeout
    parallel = backend.max_parallel
    return EngineBackend(title, worker, max_parallel=parallel, stall_timeout=stall_timeout)


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
