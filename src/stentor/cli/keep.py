"""Models for what was pulled: kept beside those of the configuration, and told to a server."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import httpx2

from stentor.cli.client import open_server
from stentor.cli.failure import UsageError, described
from stentor.cli.load import load_config
from stentor.config import Config, EngineBackendConfig, ModelConfig
from stentor.errors import StentorError
from stentor.storage.kept_models import KeptModels


def keep(config: Config, engine: str, weights: str | None) -> str | None:
    """The name of the model that is kept for it; None: there is one already."""
    for model in config.models.values():
        used = {each.engine for each in model.backends if isinstance(each, EngineBackendConfig)}
        if engine in used and model.weights == weights:
            return None
    name = f"{engine}-{weights}" if engine in config.models and weights else engine
    if name in config.models:
        return None
    store = KeptModels(config.storage.data_dir)
    model = ModelConfig(weights=weights, backends=[EngineBackendConfig(engine=engine)])
    store.write({**store.read(), name: model})
    return name


async def tell_server(names: Iterable[str]) -> None:
    """A server that runs takes them in."""
    named = [name for name in names if name]
    if not named:
        return
    print(f"new models: {', '.join(named)}", file=sys.stderr)
    try:
        async with open_server(load_config(), None) as remote:
            await remote.admin("POST", "reload")
    except UsageError:
        return  # none runs
    except (StentorError, httpx2.HTTPError) as error:
        print(f"the running server was not told: {described(error)}", file=sys.stderr)
