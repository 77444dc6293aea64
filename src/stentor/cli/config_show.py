"""`stentor config show`."""

from __future__ import annotations

import re
import sys
from typing import Any

import tomlkit

from stentor.cli.load import load_config
from stentor.config import Config, configured_models

MASK = "**********"
SECRET = re.compile(r"key|token|secret|password|passwd|credential|authorization", re.IGNORECASE)
"""In the name of a key or of a variable."""
LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""The user and the password of a URL."""


def run() -> int:
    sys.stdout.write(effective(load_config()))
    return 0


def effective(config: Config) -> str:
    """The whole of it as TOML, with secrets masked."""
    whole = config.model_copy(update={"models": configured_models(config)})
    tree = masked(whole.model_dump(mode="json", exclude_none=True))
    document = tomlkit.document()
    document.add(tomlkit.comment("What counts, from all sources. Secrets are masked."))
    for name, section in tree.items():
        document.add(name, tomlkit.item(section))
    return tomlkit.dumps(document).rstrip("\n") + "\n"


def masked(value: Any, key: str = "") -> Any:
    """`key`: what the value is called. One that names a variable (`api_key_env`) is no secret."""
    if isinstance(value, dict):
        return {name: masked(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, key) for inner in value]
    if not isinstance(value, str):
        return value
    if value and SECRET.search(key) and not key.endswith("_env"):
        return MASK
    return LOGIN.sub(MASK, value)
