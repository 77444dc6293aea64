"""Models for what was pulled: kept beside those of the configuration."""

from __future__ import annotations

from stentor.config import Config, EngineBackendConfig, ModelConfig
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
