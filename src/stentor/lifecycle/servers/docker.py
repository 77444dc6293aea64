"""Docker's API, as what runs in containers here needs it. Decides nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import aiodocker
import aiohttp
import psutil
import structlog
from aiodocker.containers import DockerContainer

from stentor.lifecycle.servers.container_request import LABEL, OWNER_LABEL
from stentor.lifecycle.servers.served import StartFailed

log = structlog.get_logger(__name__)

API_TIMEOUT = 60.0
"""Seconds for one request to Docker that does not wait for a container."""
ASK_AGAIN = 1.0
"""Seconds until Docker, which went away, is asked again whether a container still runs."""
SOCKETS = ("/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock")
NOT_MODIFIED, NOT_FOUND, CONFLICT = 304, 404, 409
LOST = (aiohttp.ClientError, OSError)
"""Docker is not reached, or not in time: TimeoutError is an OSError."""


def find_docker(given: str | None) -> str:
    """The URL of its API: the one that is given, DOCKER_HOST, or that of a usual socket. Raises
    StartFailed.
    """
    own = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere"))
    sockets = [
        *(Path(each) for each in SOCKETS),
        *(own / "docker.sock", own / "podman" / "podman.sock"),
        Path.home() / ".docker" / "run" / "docker.sock",
    ]
    usual = (f"unix://{socket}" for socket in sockets if socket.is_socket())
    found = given or os.environ.get("DOCKER_HOST") or next(usual, None)
    if found is None:
        raise StartFailed("no Docker was found: start it, or set DOCKER_HOST or the backend's host")
    return found


async def remove_left_over(docker: aiodocker.Docker, folder: str) -> None:
    """Containers that a gateway with this data folder made, and that does not live any more."""
    async with asyncio.timeout(API_TIMEOUT):
        found = await docker.containers.list(
            all="true", filters=f'{{"label": ["{LABEL}={folder}"]}}'
        )
    for container in found:
        labels: Mapping[str, str] = container["Labels"] or {}
        if not _lives(labels.get(OWNER_LABEL, "")):
            log.warning("left_over_removed", id=container.id[:12])
            await stop(container, 0, remove=True)


async def is_there(docker: aiodocker.Docker, name: str) -> bool:
    """By its name: engines differ in how they refuse to make another of it."""
    try:
        await docker.containers.container(name).show()
    except aiodocker.DockerError as error:
        if error.status != NOT_FOUND:
            raise
        return False
    return True


async def exited(container: DockerContainer) -> int | None:
    """Waits for its end; Docker itself may be started anew meanwhile."""
    while True:
        try:
            code: int = (await container.wait())["StatusCode"]
            return code
        except aiodocker.DockerError as error:
            if error.status == NOT_FOUND:
                return None
            log.warning("container_not_watched", id=container.id[:12], why=error.message)
        except LOST as error:
            log.warning("container_not_watched", id=container.id[:12], why=type(error).__name__)
        await asyncio.sleep(ASK_AGAIN)


async def stop(container: DockerContainer, timeout: float, *, remove: bool) -> None:
    """Leaves nothing of it where it is to be removed; never raises: it is told in the log."""
    try:
        async with asyncio.timeout(API_TIMEOUT + timeout):
            if timeout or not remove:
                with _as_wanted(NOT_MODIFIED, NOT_FOUND):
                    await container.stop(t=round(timeout))
            if remove:
                with _as_wanted(NOT_FOUND, CONFLICT):
                    await container.delete(force=True, v=True)
    except (aiodocker.DockerError, *LOST) as error:
        log.error("container_not_stopped", id=container.id[:12], why=str(error))


async def kill(container: DockerContainer) -> None:
    """Never raises: it is told in the log."""
    try:
        async with asyncio.timeout(API_TIMEOUT):
            await container.kill()
    except (aiodocker.DockerError, *LOST) as error:
        log.error("container_not_killed", id=container.id[:12], why=str(error))


@contextmanager
def _as_wanted(*statuses: int) -> Iterator[None]:
    """Docker's refusals of these kinds say that it is so already."""
    try:
        yield
    except aiodocker.DockerError as error:
        if error.status not in statuses:
            raise


def owner(pid: int) -> str:
    """Names a process of this machine for good: ids are used again."""
    return f"{pid}:{psutil.Process(pid).create_time():.2f}"


def _lives(maker: str) -> bool:
    pid = maker.partition(":")[0]
    with suppress(psutil.NoSuchProcess, ValueError):
        return owner(int(pid)) == maker
    return False
