"""`stentor config check`."""

from __future__ import annotations

from stentor.cli.failure import run_async
from stentor.cli.load import load_config
from stentor.cli.local import open_local
from stentor.cli.serve import refuse_bind
from stentor.config import Config, ConfigurationError, config_file


def run() -> int:
    config = load_config()
    if refused := refuse_bind(config):
        raise ConfigurationError(refused)
    return run_async(_check(config))


async def _check(config: Config) -> int:
    """By building what a server would have; nothing of it is started."""
    async with open_local(config) as local:
        models = await local.models()
    print(f"{config_file() or 'no file, but the defaults'}: no mistakes, {len(models)} models")
    return 0
