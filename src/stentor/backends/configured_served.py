"""Servers of others as the configuration tells of them."""

from __future__ import annotations

from stentor.backends.openai import OpenAI
from stentor.backends.served import Dialect, Raw, ServedBackend
from stentor.backends.wyoming import Wyoming
from stentor.config import (
    Config,
    ContainerBackendConfig,
    ProcessBackendConfig,
    ServedBackendConfig,
)
from stentor.lifecycle.needs import Launcher, Policy, Room
from stentor.lifecycle.servers.command import Command, CommandLauncher
from stentor.lifecycle.servers.container import ContainerLauncher
from stentor.lifecycle.servers.container_request import Wanted
from stentor.lifecycle.servers.health import http_look, wyoming_look
from stentor.lifecycle.servers.served import Look, Served
from stentor.lifecycle.service import Service


def build(
    name: str,
    title: str,
    backend: ProcessBackendConfig | ContainerBackendConfig,
    config: Config,
    *,
    service_name: str,
    policy: Policy,
    room: Room,
) -> ServedBackend:
    """`name`: of the model; `title`: of the backend in it."""
    launcher = _launcher(f"{name}/{title}", backend, config)
    service: Service[Served] = Service(service_name, launcher, policy=policy, room=room)
    dialect = _dialect(name, backend, config)
    return ServedBackend(
        title,
        service,
        dialect,
        _look(backend),
        max_parallel=backend.max_parallel,
        stall_timeout=config.lifecycle.stall_timeout,
    )


def title(backend: ProcessBackendConfig | ContainerBackendConfig) -> str:
    if isinstance(backend, ContainerBackendConfig):
        return f"container:{backend.name or backend.image}"
    return "process"


def device(backend: ProcessBackendConfig | ContainerBackendConfig) -> str:
    gpus = isinstance(backend, ContainerBackendConfig) and bool(backend.gpus)
    return backend.device or ("cuda:0" if gpus else "cpu")


def exclusive(backend: ProcessBackendConfig | ContainerBackendConfig) -> str | None:
    """What another server may not have meanwhile, were it only the one that this one replaces: its
    port of this machine, or its name.
    """
    if isinstance(backend, ProcessBackendConfig):
        return None if backend.port is None else f"port {backend.port}"
    if backend.name is not None:
        return f"container {backend.name}"
    return f"port {backend.port}" if backend.network == "host" else None


def _launcher(
    title: str, backend: ProcessBackendConfig | ContainerBackendConfig, config: Config
) -> Launcher[Served]:
    look, timeout = _look(backend), backend.start_timeout or config.lifecycle.start_timeout
    if isinstance(backend, ProcessBackendConfig):
        cwd = None if backend.cwd is None else backend.cwd.expanduser()
        command = Command(backend.command, backend.env, cwd, backend.port)
        return CommandLauncher(title, command, look, start_timeout=timeout)
    wanted = Wanted(
        image=backend.image,
        name=backend.name,
        port=backend.port,
        pull=backend.pull,
        command=tuple(backend.command),
        env=backend.env,
        volumes=tuple(backend.volumes),
        gpus=backend.gpus,
        network=backend.network,
        shm_size=None if backend.shm_size is None else int(backend.shm_size),
    )
    return ContainerLauncher(
        title,
        wanted,
        look,
        host=backend.host,
        data_dir=config.storage.data_dir,
        start_timeout=timeout,
        pull_timeout=config.engines.pull_timeout,
    )


def _look(backend: ServedBackendConfig) -> Look:
    if backend.protocol == "wyoming" and backend.health is None:
        return wyoming_look
    return http_look(backend.health)


def _dialect(name: str, backend: ServedBackendConfig, config: Config) -> Dialect:
    stall = config.lifecycle.stall_timeout
    if backend.protocol == "openai":
        start = backend.start_timeout or config.lifecycle.start_timeout
        return OpenAI(backend, name, stall_timeout=stall, discovery_timeout=start)
    if backend.protocol == "wyoming":
        return Wyoming(backend, name, stall_timeout=stall)
    return Raw(name)
