"""Where values come from: the environment, the file, the base install."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource, TomlConfigSettingsSource

from stentor.config.models import base_models

SHORT_NAMES = {
    "STENTOR_HOST": ("server", "host"),
    "STENTOR_PORT": ("server", "port"),
    "STENTOR_API_KEY": ("server", "api_key"),
    "STENTOR_DATA_DIR": ("storage", "data_dir"),
}


class _Fixed(PydanticBaseSettingsSource):
    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False


class ShortNames(_Fixed):
    def __call__(self) -> dict[str, Any]:
        values: dict[str, dict[str, str]] = {}
        for variable, (section, key) in SHORT_NAMES.items():
            if os.environ.get(variable):  # empty, as compose files make it: not set
                values.setdefault(section, {})[key] = os.environ[variable]
        return values


class File(TomlConfigSettingsSource):
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


class BaseInstall(_Fixed):
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
