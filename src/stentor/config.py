"""The configuration: one tree, from the defaults, then `stentor.toml`, then STENTOR_* variables.

Every key can be set as STENTOR_<SECTION>__<KEY>; a few have the short names of `SHORT_NAMES`.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    SecretStr,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from stentor.mistakes import place, worded

SHORT_NAMES = {
    "STENTOR_HOST": ("server", "host"),
    "STENTOR_PORT": ("server", "port"),
    "STENTOR_API_KEY": ("server", "api_key"),
    "STENTOR_DATA_DIR": ("storage", "data_dir"),
}
NEVER = "never"
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(value: object) -> object:
    """Seconds from `90`, `"90s"`, `"10m"`, `"500ms"` or `"2h"`; what is no string is left as it
    is. Raises ValueError.
    """
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(ms|s|m|h|)\s*", value)
    if found is None:
        raise ValueError(f'{value!r} is no duration: give seconds, or such as "90s", "10m", "2h"')
    return float(found[1]) * _UNITS[found[2]]


def parse_size(value: object) -> object:
    """As `parse_duration`, of bytes: pydantic itself takes the 50 of "50%"."""
    size = r"\s*(\d+\.?\d*|\.\d+)\s*([kmgtp]?i?b|)\s*"
    if isinstance(value, str | int | float) and not re.fullmatch(size, str(value), re.IGNORECASE):
        raise ValueError(f'{value!r} is no size: give bytes, or such as "6GB", "512MiB"')
    return value


def parse_device_of_budget(value: str) -> str:
    """Raises ValueError."""
    if not re.fullmatch(r"ram|mps|cuda:\d+", value):
        raise ValueError(f"{value!r} is no device: there are ram, cuda:0, cuda:1, …")
    return value


def parse_idle(value: object) -> object:
    """As `parse_duration`; infinite for `"never"`."""
    return math.inf if value == NEVER else parse_duration(value)


Idle = Annotated[
    float,
    BeforeValidator(parse_idle, json_schema_input_type=float | str),
    Field(ge=0),
    PlainSerializer(lambda value: NEVER if math.isinf(value) else value, when_used="json"),
]
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]
Size = Annotated[ByteSize, BeforeValidator(parse_size)]


class ConfigurationError(Exception):
    """`str(error)` tells the owner of the server what is wrong, and where."""


def mistakes(error: ValidationError) -> str:
    """A line for each, with the key that it is in."""
    lines = (f"  {place(each)}: {worded(each)}" for each in error.errors())
    return "\n".join(["", *lines])


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0: any free one")
    api_key: Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description="the key that clients must send"
    )
    insecure: bool = Field(False, description="allow other addresses than loopback without a key")
    allowed_hosts: list[str] = Field(
        [], description="Host headers to accept beside loopback names when there is no key"
    )
    open_discovery: bool = Field(
        False,
        description="lists of models and voices need no key; a list of voices may start its model",
    )
    cors_origins: list[str] = Field([], description='web origins that may call; ["*"]: any')
    max_upload_mb: float = Field(1024, gt=0, description="largest upload, in MiB")
    max_input_chars: int = Field(100_000, gt=0, description="longest text of a speech request")
    max_audio_duration: Seconds = Field(6 * 3600.0, description="longest audio to transcribe")
    send_timeout: Seconds = Field(
        120.0, description="a client that takes nothing of its answer for so long is cut off"
    )
    shutdown_timeout: Seconds = Field(10.0, description="for running requests to end in")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="how lines look; auto: text on a terminal, else json"
    )


class Storage(Section):
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("stentor")),
        description="folder of what Stentor keeps; default: the platform's user data folder",
    )


class Lifecycle(Section):
    start_timeout: Seconds = Field(180.0, description="for a worker to start and load in")
    stall_timeout: Seconds = Field(120.0, description="a call without any answer for so long fails")
    idle_timeout: Idle = Field(
        600.0, description='a model that nobody uses for so long is stopped; 0: at once; "never"'
    )
    memory_budget: dict[Annotated[str, AfterValidator(parse_device_of_budget)], Size] = Field(
        {},
        description="most that models may take of a device; default: nine tenths of it; a model "
        "that does not fit makes idle ones stop, or waits",
    )
    memory_timeout: Seconds = Field(120.0, description="for a model to find memory in")
    pause_timeout: Seconds = Field(30.0, description="for running requests to end in at a pause")
    cpu_threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="threads for encoding and decoding; default: one per core",
    )


class Engines(Section):
    paths: list[Path] = Field(
        [], description="folders with one-file engines of your own; beside the file, if relative"
    )
    pull_on_request: bool = Field(
        False, description="a first request gets what its engine and model need, and waits for it"
    )
    pull_timeout: Seconds = Field(3600.0, description="for what an engine needs, and for weights")
    accepted_licences: list[str] = Field(
        [], description="licences of weights that you have read and accepted, by their names"
    )
    torch: str = Field(
        "auto",
        description="build of PyTorch for engines that use it: auto, cpu, cu128, …; registry: "
        "the one that your registry of packages has",
    )


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
    revision: str = Field("", description="names the weights; other weights, other audio")
    weights: str | None = Field(
        None,
        description="a name that its engine knows, a folder as ./name, or a hub id as "
        "owner/name@revision; default: the engine's usual ones",
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


class Config(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="STENTOR_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    server: Server = Server()
    storage: Storage = Field(default_factory=Storage)
    lifecycle: Lifecycle = Field(default_factory=Lifecycle)
    engines: Engines = Engines()
    models: dict[str, ModelConfig] = Field(
        {}, description="beside the models of the base install, which may be named again"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The first one that knows a key wins."""
        return (
            init_settings,
            _ShortNames(settings_cls),
            env_settings,
            _File(settings_cls, toml_file=config_file()),
            _BaseModels(settings_cls),
        )


class _Fixed(PydanticBaseSettingsSource):
    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False


class _ShortNames(_Fixed):
    def __call__(self) -> dict[str, Any]:
        values: dict[str, dict[str, str]] = {}
        for variable, (section, key) in SHORT_NAMES.items():
            if os.environ.get(variable):  # empty, as compose files make it: not set
                values.setdefault(section, {})[key] = os.environ[variable]
        return values


class _File(TomlConfigSettingsSource):
    """Paths in it are relative to it, wherever the server is started."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        file = config_file()
        if file is not None:
            _place(values, file.absolute().parent)
        return values


def _place(values: dict[str, Any], folder: Path) -> None:
    """What is not as it should be stays as it is: the validation tells."""
    engines, models = values.get("engines"), values.get("models")
    if isinstance(engines, dict) and isinstance(engines.get("paths"), list):
        engines["paths"] = [_below(folder, each) for each in engines["paths"]]
    for model in models.values() if isinstance(models, dict) else ():
        if not isinstance(model, dict):
            continue
        if _is_relative(model.get("weights")):
            model["weights"] = _below(folder, model["weights"])
        backends = model.get("backends")
        for backend in backends if isinstance(backends, list) else ():
            if isinstance(backend, dict):
                _place_served(backend, folder)


def _place_served(backend: dict[str, Any], folder: Path) -> None:
    if "cwd" in backend:
        backend["cwd"] = _below(folder, backend["cwd"])
    volumes = backend.get("volumes")
    if isinstance(volumes, list):
        backend["volumes"] = [_below(folder, v) if _is_relative(v) else v for v in volumes]


def _is_relative(given: Any) -> bool:
    """What else may stand there are names."""
    return isinstance(given, str) and given.startswith(("./", "../"))


def _below(folder: Path, given: Any) -> Any:
    return str(folder / Path(given).expanduser()) if isinstance(given, str) else given


class _BaseModels(_Fixed):
    def __call__(self) -> dict[str, Any]:
        return {"models": base_models()}


def config_file() -> Path | None:
    """STENTOR_CONFIG, or `stentor.toml` in the working folder, if there is one.

    Raises FileNotFoundError when STENTOR_CONFIG names no file.
    """
    named = os.environ.get("STENTOR_CONFIG")
    file = Path(named or "stentor.toml")
    if not file.is_file():
        if named:
            raise FileNotFoundError(f"STENTOR_CONFIG names no file: {file}")
        return None
    return file


def configured_models(config: Config) -> dict[str, ModelConfig]:
    """The owner's models first, in their order; then what is left of the base install."""
    return own_models(config) | config.models


def own_models(config: Config) -> dict[str, ModelConfig]:
    """Without those of the base install that are as they come."""
    return {name: model for name, model in config.models.items() if not _is_base(name, model)}


def _is_base(name: str, model: ModelConfig) -> bool:
    base = base_models().get(name)
    return base is not None and model == ModelConfig.model_validate(base)
