"""What a gateway that was killed left running, and cannot have noticed."""

from __future__ import annotations

import structlog

from stentor.config import Config, ContainerBackendConfig

log = structlog.get_logger(__name__)


async def remove_left_over_containers(config: Config) -> None:
    """Those that a gateway with the same data folder made. Never raises: where Docker is not
    reached they are looked for again before a container is started.
    """
    backends = (each for model in config.models.values() for each in model.backends)
    hosts = {each.host for each in backends if isinstance(each, ContainerBackendConfig)}
    if not hosts:
        return
    # Imported only here: who has no containers does not wait for Docker's client to be imported.
    import aiodocker

    from stentor.lifecycle.servers.container_request import folder_label
    from stentor.lifecycle.servers.docker import LOST, find_docker, remove_left_over
    from stentor.lifecycle.servers.served import StartFailed

    folder = folder_label(config.storage.data_dir)
    for host in hosts:
        try:
            async with aiodocker.Docker(url=find_docker(host)) as docker:
                await remove_left_over(docker, folder)
        except (StartFailed, ValueError, aiodocker.DockerError, *LOST) as error:
            log.warning("left_over_not_looked_for", why=str(error))
