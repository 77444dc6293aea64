"""A server in a container of Docker's, Podman's, or whatever else has Docker's API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiodocker
import structlog
from aiodocker.containers import DockerContainer

from stentor.ended import ended
from stentor.errors import ModelUnavailable
from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.memory import memory_of
from stentor.lifecycle.servers.container_request import (
    LABEL,
    OWNER_LABEL,
    Wanted,
    addresses,
    creation,
    folder_label,
    used_memory,
)
from stentor.lifecycle.servers.docker import (
    API_TIMEOUT,
    ASK_AGAIN,
    LOST,
    NOT_FOUND,
    exited,
    find_docker,
    is_there,
    kill,
    owner,
    remove_left_over,
    stop,
)
from stentor.lifecycle.servers.served import Address, Look, StartFailed, until_ready

log = structlog.get_logger(__name__)

STOP_TIMEOUT = 5.0
"""Seconds from SIGTERM to SIGKILL."""
TAIL = 40
"""Lines of what a container wrote that are kept to explain its end."""
NOT_REACHED = 900
"""A status of aiodocker's own."""


class Container:
    """Started, and ready at its address. `made`: it goes when it stops."""

    def __init__(
        self, docker: aiodocker.Docker, container: DockerContainer, address: Address, *, made: bool
    ) -> None:
        self.address = address
        self._docker = docker
        self._container = container
        self._made = made
        self._stopping = asyncio.Lock()
        self._killing: asyncio.Task[None] | None = None
        self._exiting = asyncio.create_task(exited(container))
        self._gone = False

    @property
    def id(self) -> str:
        return self._container.id

    async def exited(self) -> int | None:
        await asyncio.wait([self._exiting])
        return None if self._exiting.cancelled() else self._exiting.result()

    def kill(self) -> None:
        if self._killing is None:
            self._killing = asyncio.create_task(kill(self._container))

    async def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        async with self._stopping:
            if not self._gone:
                await stop(self._container, timeout, remove=self._made)
                self._gone = True
                await asyncio.wait([self._exiting], timeout=ASK_AGAIN)
                self._exiting.cancel()
                await self._docker.close()

    async def memory(self) -> Bytes:
        if self._gone:
            return {}
        try:
            async with asyncio.timeout(API_TIMEOUT):
                stats = await self._container.stats(stream=False)
                shown = await self._container.show()
        except (aiodocker.DockerError, *LOST):
            return {}
        ram = used_memory(stats[0] if stats else {})
        used = {} if ram is None else {"ram": ram}
        pid = int(shown["State"].get("Pid") or 0)
        return {**await asyncio.to_thread(_gpus, pid, self.id), **used}


class ContainerLauncher:
    """Raises ModelUnavailable; what the container wrote goes to the log only."""

    def __init__(
        self,
        name: str,
        wanted: Wanted,
        look: Look,
        *,
        host: str | None,
        data_dir: Path,
        start_timeout: float,
        pull_timeout: float,
    ) -> None:
        """`host`: of Docker's API; None: as Docker's own tools find it. Timeouts in seconds."""
        self._name = name
        self._wanted = wanted
        self._look = look
        self._host = host
        self._labels = {LABEL: folder_label(data_dir), OWNER_LABEL: owner(os.getpid())}
        self._start_timeout = start_timeout
        self._pull_timeout = pull_timeout

    async def prepare(self) -> None:
        """Removes what a dead gateway left behind, and gets the image."""
        async with self._docker() as docker:
            await remove_left_over(docker, self._labels[LABEL])
            if self._wanted.image is not None:
                await self._get(docker, self._wanted.image)

    async def launch(self) -> Container:
        async with self._docker(keep=True) as docker:
            container = await self._created(docker)
            made = self._wanted.image is not None
            try:
                async with asyncio.timeout(API_TIMEOUT):
                    await container.start()
                address = await self._ready(container)
            except BaseException:
                await self._tell_last_words(container)
                await stop(container, 0, remove=made)
                raise
        log.info("container_ready", backend=self._name, id=container.id[:12], at=address.url)
        return Container(docker, container, address, made=made)

    async def _created(self, docker: aiodocker.Docker) -> DockerContainer:
        """Not lost when this is cancelled: Docker goes on to create what it was asked for."""
        creating = asyncio.create_task(self._container(docker))
        try:
            async with asyncio.timeout(API_TIMEOUT):
                return await asyncio.shield(creating)
        except BaseException:
            await asyncio.wait([creating], timeout=API_TIMEOUT)
            creating.cancel()
            await ended([creating])
            made = self._wanted.image is not None
            if made and not creating.cancelled() and creating.exception() is None:
                await stop(creating.result(), 0, remove=True)
            raise

    async def _container(self, docker: aiodocker.Docker) -> DockerContainer:
        wanted = self._wanted
        if wanted.image is None:
            container = docker.containers.container(str(wanted.name))
            await container.show()
            return container
        if wanted.name is not None and await is_there(docker, wanted.name):
            raise StartFailed(
                f"a container '{wanted.name}' is there already: leave out image to use it"
            )
        return await docker.containers.create(creation(wanted, self._labels), name=wanted.name)

    async def _ready(self, container: DockerContainer) -> Address:
        """Raises StartFailed, at once when it ends."""
        async with asyncio.timeout(API_TIMEOUT):
            shown = await container.show()
        found = addresses(shown, self._wanted.port, find_docker(self._host))
        exiting = asyncio.create_task(exited(container))
        looking = asyncio.create_task(until_ready(found, self._look, timeout=self._start_timeout))
        try:
            await asyncio.wait([exiting, looking], return_when=asyncio.FIRST_COMPLETED)
            if exiting.done():
                raise StartFailed(f"it ended with exit code {exiting.result()} before it was ready")
            return await looking
        finally:
            exiting.cancel()
            looking.cancel()
            await ended([exiting, looking])

    async def _get(self, docker: aiodocker.Docker, image: str) -> None:
        try:
            async with asyncio.timeout(API_TIMEOUT):
                await docker.images.inspect(image)
            return
        except aiodocker.DockerError as error:
            if error.status != NOT_FOUND:
                raise
        if not self._wanted.pull:
            raise StartFailed(
                f"image '{image}' is not on this machine: get it with `docker pull {image}`, or "
                "set pull = true"
            )
        log.info("image_pulling", backend=self._name, image=image)
        try:
            async with asyncio.timeout(self._pull_timeout):
                await docker.images.pull(image)
        except TimeoutError as error:
            raise StartFailed(
                f"image '{image}' was not there within {self._pull_timeout:g} s"
            ) from error

    async def _tell_last_words(self, container: DockerContainer) -> None:
        with suppress(aiodocker.DockerError, *LOST):
            async with asyncio.timeout(API_TIMEOUT):
                lines = await container.log(stdout=True, stderr=True, tail=TAIL)
            log.error("container_start_failed", backend=self._name, said="".join(lines).strip())

    @asynccontextmanager
    async def _docker(self, *, keep: bool = False) -> AsyncIterator[aiodocker.Docker]:
        """`keep`: it is closed only where something goes wrong."""
        docker: aiodocker.Docker | None = None
        try:
            docker = aiodocker.Docker(url=find_docker(self._host))
            yield docker
        except BaseException as error:
            keep = False
            if (why := _explained(error, self._wanted)) is None:
                raise
            raise ModelUnavailable(f"'{self._name}' could not be started: {why}") from error
        finally:
            if docker is not None and not keep:
                await docker.close()


def _explained(error: BaseException, wanted: Wanted) -> str | None:
    """For the client, where it is one of those that are expected here."""
    if isinstance(error, StartFailed):
        return str(error)
    if isinstance(error, aiodocker.DockerError) and error.status != NOT_REACHED:
        if error.status == NOT_FOUND and wanted.image is None:
            return f"there is no container '{wanted.name}': create it, or name an image"
        return f"Docker refused it: {error.message}"
    if isinstance(error, (aiodocker.DockerError, *LOST, ValueError)):
        return "Docker is not reached: is it running, and may this user use its socket?"
    return None


def _gpus(pid: int, container: str) -> Bytes:
    """By the driver, of processes that are truly on this machine: those of a Docker in a virtual
    machine have numbers that mean others here.
    """
    try:
        own = container in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
    except OSError:
        own = False
    used = memory_of(pid) if own else {}
    return {device: amount for device, amount in used.items() if device != "ram"}
