"""What this version of Stentor can serve of an import."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from stentor.cli.imports.tree import Table
from stentor.config import BackendConfig, Config, ConfigurationError, mistakes


class Alone(Config):
    """A file by itself: neither variables nor another file nor the base install add to it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def loaded(text: str) -> Config:
    """Raises ConfigurationError."""
    try:
        return Alone(**tomllib.loads(text))
    except ValidationError as error:
        raise ConfigurationError(mistakes(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"it is not TOML: {error}") from error


def refusal(backend: Table, engines: Collection[str]) -> str:
    """Why a backend cannot be served; empty: it can."""
    kind = backend["kind"]
    if kind not in kinds():
        return f'kind "{kind}" is not served yet'
    if kind == "engine" and backend["engine"] not in engines:
        return f'there is no engine "{backend["engine"]}"'
    try:
        TypeAdapter(BackendConfig).validate_python(dict(backend))
    except ValidationError as error:
        return "; ".join(each["msg"] for each in error.errors())
    return ""


def kinds() -> set[str]:
    """Kinds of backends that this version serves."""
    return {
        kind
        for model in _classes(BackendConfig)
        for kind in get_args(model.model_fields["kind"].annotation)
    }


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _classes(each)
