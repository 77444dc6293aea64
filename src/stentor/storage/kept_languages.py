"""The languages that `stentor setup` was told: `languages.json` in the data folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stentor.config import Config, ConfigurationError, parse_language

NAME = "languages.json"


def wanted_languages(config: Config) -> tuple[str, ...]:
    """Those of the configuration; else those that are kept; none: nobody said. Raises
    ConfigurationError for a file that cannot be read.
    """
    return tuple(dict.fromkeys(config.engines.languages)) or _kept(config.storage.data_dir / NAME)


def keep_languages(data_dir: Path, languages: Sequence[str]) -> None:
    """In one step, in place of those that were kept. Raises OSError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=NAME, dir=data_dir)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(list(languages)) + "\n")
        os.replace(temporary, data_dir / NAME)
    except BaseException:
        os.unlink(temporary)
        raise


def _kept(file: Path) -> tuple[str, ...]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(told, list):
            raise TypeError("it holds no list")
        return tuple(dict.fromkeys(parse_language(str(each)) for each in told))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
