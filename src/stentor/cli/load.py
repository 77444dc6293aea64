"""The configuration for a command, or a readable word about what is wrong with it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import ValidationError

from stentor.config import Config, config_file


def load_config(given: Mapping[str, Any] | None = None) -> Config:
    """`given` goes before every other source. Exits with status 2 when something is wrong."""
    try:
        return Config(**(given or {}))
    except ValidationError as error:
        mistakes = [
            f"  {'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}"
            for mistake in error.errors()
        ]
        _refuse("the configuration is wrong:\n" + "\n".join(mistakes))
    except tomllib.TOMLDecodeError as error:
        _refuse(f"{config_file()} is not TOML: {error}")
    except (FileNotFoundError, ValueError) as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(2)
