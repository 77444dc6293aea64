"""The configuration: one tree, from the defaults, then `stentor.toml`, then STENTOR_* variables.

Every key can be set as STENTOR_<SECTION>__<KEY>; a few have the short names of `SHORT_NAMES`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stentor.config.models import (
    BackendConfig,
    ContainerBackendConfig,
    EngineBackendConfig,
    ModelConfig,
    ProcessBackendConfig,
    ServedBackendConfig,
    base_models,
)
from stentor.config.sources import SHORT_NAMES, BaseInstall, File, ShortNames, config_file
from stentor.config.values import (
    Idle,
    Seconds,
    Section,
    Size,
    parse_device_of_budget,
    parse_duration,
    parse_idle,
    parse_language,
)
from stentor.mistakes import place, worded

__all__ = [
    "SHORT_NAMES",
    "BackendConfig",
    "Config",
    "ConfigurationError",
    "ContainerBackendConfig",
    "EngineBackendConfig",
    "Engines",
    "Idle",
    "Lifecycle",
    "ModelConfig",
    "ProcessBackendConfig",
    "Seconds",
    "ServedBackendConfig",
    "Server",
    "Storage",
    "base_models",
    "config_file",
    "configured_models",
    "mistakes",
    "own_models",
    "parse_duration",
    "parse_idle",
    "parse_language",
]


class ConfigurationError(Exception):
    """`str(error)` tells the owner of the server what is wrong, and where."""


def mistakes(error: ValidationError) -> str:
    """A line for each, with the key that it is in."""
    lines = (f"  {place(each)}: {worded(each)}" for each in error.errors())
    return "\n".join(["", *lines])


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
    languages: list[Annotated[str, AfterValidator(parse_language)]] = Field(
        [],
        description="those that you speak, as de: OpenAI's names mean a model that knows them; "
        "default: what `stentor setup` was told",
    )
    torch: str = Field(
        "auto",
        description="build of PyTorch for engines that use it: auto, cpu, cu128, …; registry: "
        "the one that your registry of packages has",
    )


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
            ShortNames(settings_cls),
            env_settings,
            File(settings_cls, toml_file=config_file()),
            BaseInstall(settings_cls),
        )


def configured_models(config: Config) -> dict[str, ModelConfig]:
    """The owner's models first, in their order; then what is left of the base install."""
    return own_models(config) | config.models


def own_models(config: Config) -> dict[str, ModelConfig]:
    """Without those of the base install that are as they come."""
    return {name: model for name, model in config.models.items() if not _is_base(name, model)}


def _is_base(name: str, model: ModelConfig) -> bool:
    base = base_models().get(name)
    return base is not None and model == ModelConfig.model_validate(base)
