"""Models and their backends, as they are configured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from stentor.config.values import Checksum, Idle, Seconds, Section, Size


class EngineBackendConfig(Section):
    kind: Literal["engine"] = Field("engine", description="a local worker")
    engine: str = Field(description="the engine's name")
    device: str = Field("auto", description="auto, cpu, cuda:0, …")
    memory: Size | None = Field(
        None,
        description="what it takes of its device, as 6GB; default: what the engine says; "
        "later what was measured",
    )
    max_parallel: int | None = Field(None, ge=1, description="calls at once; default: the engine's")
    options: dict[str, str | int | float | bool] = Field(
        {}, description="defaults of the engine's options"
    )


class ServedBackendConfig(Section):
    """What a server of somebody else's does not tell of itself, or not in a way that all share."""

    protocol: Literal["openai", "wyoming", "none"] = Field(
        "openai", description="what it speaks; none: it is reached under /upstream/NAME/ only"
    )
    task: Literal["speech", "transcription"] | None = Field(
        None, description="what it does; default: what a Wyoming server tells"
    )
    health: str | None = Field(
        None,
        description="path that answers 2xx when it is ready; default: any answer below 500 at /, "
        "of a Wyoming server its description",
    )
    model: str | None = Field(
        None, description="the name it is asked for; default: that of this model"
    )
    voices: list[str] = Field(
        [], description="the first one is usual; default: what the server lists"
    )
    languages: list[str] = Field([], description="as en or pt-BR; default: what the server lists")
    sample_rate: int | None = Field(
        None,
        ge=8_000,
        le=192_000,
        description="Hz of the samples without a header that it is then asked for; default: it is "
        "asked for wav, whose header tells",
    )
    max_chars: int = Field(300, ge=1, description="longest text of one call")
    window: Seconds = Field(30.0, description="longest audio of one call")
    speed: tuple[float, float] | None = Field(
        None, description="slowest and fastest that it takes; default: Stentor changes the speed"
    )
    instructions: bool = Field(False, description="it follows instructions on how to speak")
    word_times: bool = Field(False, description="its verbose_json has words in time")
    translates: bool = Field(False, description="it also answers /v1/audio/translations")
    options: dict[str, str | int | float | bool] = Field(
        {}, description="fields of its own, sent with every call"
    )
    device: str | None = Field(
        None, description="cpu, cuda:0, …; default: cpu, of a container with GPUs cuda:0"
    )
    memory: Size | None = Field(
        None, description="what it takes of its device, as 6GB; default: what was measured"
    )
    max_parallel: int = Field(1, ge=1, description="calls at once; default: 1")
    start_timeout: Seconds | None = Field(
        None, description="for it to be ready in; default: lifecycle.start_timeout"
    )

    @model_validator(mode="after")
    def _task_is_told(self) -> Self:
        if self.protocol == "openai" and self.task is None:
            raise ValueError('its task must be given: task = "speech" or "transcription"')
        slowest, fastest = self.speed or (1.0, 1.0)
        if not 0 < slowest <= fastest:
            raise ValueError("speed is [slowest, fastest]")
        return self


class ProcessBackendConfig(ServedBackendConfig):
    kind: Literal["process"] = Field(description="a server that a command starts")
    command: list[str] = Field(
        min_length=1, description="program and arguments; {port} is the port to listen on"
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="where it listens, if that cannot be told to it; default: any free one",
    )
    env: dict[str, str] = Field({}, description="variables for it; {port} as above")
    cwd: Path | None = Field(
        None,
        description="folder to start it in; beside the file, if relative; default: Stentor's",
    )


class ContainerBackendConfig(ServedBackendConfig):
    kind: Literal["container"] = Field(description="a server in a container")
    image: str | None = Field(
        None, description="to make a container of, which is removed when it stops; default: none"
    )
    name: str | None = Field(
        None, description="of the container; without an image one that is there; default: any"
    )
    port: int = Field(8000, ge=1, le=65535, description="where it listens, inside")
    pull: bool = Field(False, description="an image that is not there is fetched")
    command: list[str] = Field([], description="in place of the image's")
    env: dict[str, str] = Field({}, description="variables for it")
    volumes: list[str] = Field(
        [], description="as /data/voices:/app/voices:ro; ./voices is beside the file"
    )
    gpus: Literal["all"] | list[str] = Field([], description="all, or their numbers or ids")
    network: str | None = Field(
        None, description="to join; host: the machine's own; default: Docker's usual one"
    )
    shm_size: Size | None = Field(None, description="of /dev/shm, as 2GB; default: Docker's")
    host: str | None = Field(
        None,
        description="of Docker, as unix:///run/docker.sock; default: DOCKER_HOST, or the usual "
        "sockets of Docker and Podman",
    )

    @model_validator(mode="after")
    def _something_is_named(self) -> Self:
        if self.image is None and self.name is None:
            raise ValueError("name an image, or a container that is there")
        return self


def _kind(value: Any) -> str:
    """An engine, where nothing else is said."""
    kind = value.get("kind", "engine") if isinstance(value, dict) else value.kind
    return str(kind)


BackendConfig = Annotated[
    Annotated[EngineBackendConfig, Tag("engine")]
    | Annotated[ProcessBackendConfig, Tag("process")]
    | Annotated[ContainerBackendConfig, Tag("container")],
    Discriminator(_kind),
]


class ModelConfig(Section):
    aliases: list[str] = Field(
        [], description="other names; one of OpenAI's that no model has means the best model"
    )
    revision: str = Field(
        "",
        description="of the hub's repository that the weights are from: a branch, a tag or a "
        "commit; of other weights only a name: another one, other audio",
    )
    weights: str | None = Field(
        None,
        description="a name that its engine knows, a folder as ./name, or a hub id as "
        "owner/name@revision; default: the engine's usual ones",
    )
    checksum: Checksum = Field(
        "",
        description="of the weights, as sha256:…; others are refused; default: not compared",
    )
    idle_timeout: Idle | None = Field(
        None, description="in place of lifecycle.idle_timeout; never: pinned"
    )
    keep_warm: bool = Field(False, description="started with the server, and pinned")
    memory_limit: Size | None = Field(
        None, description="past it a model is started anew, between two requests"
    )
    queue_limit: int = Field(32, ge=0, description="requests that may wait for a slot")
    backends: list[BackendConfig] = Field(min_length=1, description="in order of preference")


def base_models() -> dict[str, Any]:
    """What a machine without any configuration speaks and listens with."""
    return {
        "espeak": {"backends": [{"engine": "espeak"}]},
        "pocketsphinx": {"backends": [{"engine": "pocketsphinx"}]},
    }
