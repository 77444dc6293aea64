"""Models that were created while a server ran: `models.toml` in the data folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import TypeAdapter, ValidationError
from tomlkit.exceptions import TOMLKitError

from stentor.config import Config, ConfigurationError, ModelConfig, mistakes, own_models

HEAD = "Written by Stentor: models that were created while it ran. Those of stentor.toml go first."
_MODELS = TypeAdapter(dict[str, ModelConfig])


class KeptModels:
    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "models.toml"

    def read(self) -> dict[str, ModelConfig]:
        """Raises ConfigurationError for a file that cannot be read."""
        try:
            text = self._file.read_text(encoding="utf-8")
            return _MODELS.validate_python(tomlkit.parse(text).unwrap().get("models", {}))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValidationError as error:
            raise ConfigurationError(f"{self._file}: {mistakes(error)}") from error
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise ConfigurationError(f"{self._file} cannot be read: {error}") from error

    def clear(self) -> None:
        """As if none had ever been kept."""
        self._file.unlink(missing_ok=True)

    def write(self, models: Mapping[str, ModelConfig]) -> None:
        """All of them, in one step: the file is never half written. Raises OSError."""
        document = tomlkit.document()
        document.add(tomlkit.comment(HEAD))
        document.add("models", tomlkit.item({name: told(model) for name, model in models.items()}))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix="models-", dir=self._file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(tomlkit.dumps(document))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._file)
        except BaseException:
            os.unlink(temporary)
            raise


def told(model: ModelConfig) -> dict[str, Any]:
    """As it was given, in TOML's own types."""
    return model.model_dump(mode="json", exclude_unset=True, exclude_none=True)


def with_kept(config: Config, kept: Mapping[str, ModelConfig]) -> Config:
    """The configuration with those models; one that the owner's file has too stays as it is
    there.
    """
    own = own_models(config)
    new = {name: model for name, model in kept.items() if name not in own}
    return config.model_copy(update={"models": {**config.models, **new}})
