"""The configuration for a command."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from stentor.config import Config, ConfigurationError, config_file


def load_config(given: Mapping[str, Any] | None = None) -> Config:
    """`given` goes before every other source. Raises ConfigurationError."""
    try:
        return Config(**(given or {}))
    except ValidationError as error:
        mistakes = [
            f"  {'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}"
            for mistake in error.errors()
        ]
        raise ConfigurationError("\n".join(["", *mistakes])) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{config_file()} is not TOML: {error}") from error
    except OSError as error:  # STENTOR_CONFIG names no file, or one that cannot be read
        raise ConfigurationError(str(error)) from error
