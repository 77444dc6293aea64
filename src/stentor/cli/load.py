"""The configuration for a command."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from stentor.config import Config, ConfigurationError, config_file, mistakes
from stentor.storage.kept_models import KeptModels, with_kept


def load_config(given: Mapping[str, Any] | None = None) -> Config:
    """`given` goes before every other source; models that were created while a server ran come
    beside those of the file. Raises ConfigurationError.
    """
    config = read_config(given)
    return with_kept(config, KeptModels(config.storage.data_dir).read())


def read_config(given: Mapping[str, Any] | None = None) -> Config:
    """The same without those models."""
    try:
        return Config(**(given or {}))
    except ValidationError as error:
        raise ConfigurationError(mistakes(error)) from error
    except SettingsError as error:
        raise ConfigurationError(_no_json(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{config_file()} is not TOML: {error}") from error
    except OSError as error:  # STENTOR_CONFIG names no file, or one that cannot be read
        raise ConfigurationError(str(error)) from error


def _no_json(error: SettingsError) -> str:
    """pydantic tells of a variable only the section that it is for."""
    cause = error.__cause__
    text = cause.doc if isinstance(cause, json.JSONDecodeError) else None
    mine = (name for name, value in os.environ.items() if name.upper().startswith("STENTOR_"))
    named = ", ".join(name for name in mine if os.environ[name] == text)
    return f'{named or str(error)} is not JSON, as lists and tables have to be: ["one", "two"]'
