"""`stentor config check`."""

from __future__ import annotations

import os
from collections.abc import Iterator

from stentor.cli.failure import run_async
from stentor.cli.installed import Installed
from stentor.cli.load import load_config
from stentor.cli.local import open_local
from stentor.cli.serve import refuse_bind
from stentor.config import SHORT_NAMES, Config, ConfigurationError, config_file
from stentor.errors import ModelUnavailable


def run() -> int:
    config = load_config()
    if refused := refuse_bind(config):
        raise ConfigurationError(refused)
    if unknown := sorted(filter(_no_variable, os.environ)):
        raise ConfigurationError(
            f"{', '.join(unknown)}: there is no such variable; that of a key is "
            "STENTOR_<SECTION>__<KEY>, with two underscores"
        )
    return run_async(_check(config))


def _no_variable(name: str) -> bool:
    """It looks like one of Stentor's, and is of no effect. What has both underscores was read."""
    if not name.startswith("STENTOR_") or "__" in name:
        return False
    sections = [f"STENTOR_{section.upper()}" for section in Config.model_fields]
    near = (f"{section}_" for section in sections)
    return name not in (*sections, *SHORT_NAMES) and name.startswith(tuple(near))


def _unread(installed: Installed) -> Iterator[str]:
    """Engines of models whose files do not say what they need."""
    for target in installed.configured():
        try:
            installed.environments.find(target.file)
        except ModelUnavailable as error:
            yield f"models.{target.model}: {' '.join(str(error).split())}"


async def _check(config: Config) -> int:
    """By building what a server would have; nothing of it is started."""
    async with open_local(config) as local:
        models = await local.models()
    if unread := list(_unread(Installed(config))):
        raise ConfigurationError("".join(f"\n  {line}" for line in unread))
    print(f"{config_file() or 'no file, but the defaults'}: no mistakes, {len(models)} models")
    return 0
