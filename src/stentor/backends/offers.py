"""What the configured models are to a choice, and what of them is on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stentor.backends.configured import Place
from stentor.config import (
    BackendConfig,
    ContainerBackendConfig,
    EngineBackendConfig,
    ModelConfig,
)
from stentor.errors import ModelUnavailable
from stentor.lifecycle.catalog import Offer, declared, offer
from stentor.lifecycle.weights.wanted import Wanted, resolve
from stentor_engine.loader import Declaration


def offers(models: Mapping[str, ModelConfig], place: Place) -> list[Offer]:
    """In their order, as things stand now."""
    return [_offer(name, model, place) for name, model in models.items()]


def _offer(name: str, model: ModelConfig, place: Place) -> Offer:
    declarations = [
        declared(each.engine, place.engines)
        if isinstance(each, EngineBackendConfig)
        else Declaration(name, each.task, languages=tuple(each.languages))
        for each in model.backends
    ]
    here = tuple(_is_here(each, model, place) for each in model.backends)
    return offer(name, declarations, here, weights=model.weights)


def _is_here(backend: BackendConfig, model: ModelConfig, place: Place) -> bool:
    """It could be started now: nothing would have to be installed or fetched."""
    if not isinstance(backend, EngineBackendConfig):
        return True
    file = place.engines.get(backend.engine)
    if file is None:
        return False
    try:
        environment = place.environments.find(file)
        engine = declared(backend.engine, place.engines)
        wanted = resolve(engine, model.weights, model.revision)
    except ModelUnavailable:
        return False
    ready = environment is None or environment.ready
    if isinstance(wanted, Path):
        return ready and wanted.exists()
    return ready and (not isinstance(wanted, Wanted) or place.weights.has(wanted))


def missing(name: str, model: ModelConfig, place: Place) -> str:
    """What a start would lack, or would fetch first; empty: it needs no more than is here."""
    here = [_is_here(backend, model, place) for backend in model.backends]
    if not any(here):
        return f"not pulled yet: stentor models pull {name}"
    for backend in model.backends:
        if isinstance(backend, ContainerBackendConfig) and backend.image and backend.pull:
            return f"a start may pull its image, {backend.image}"
    may = place.config.engines.pull_on_request
    return "a start may pull what one of its backends needs" if may and not all(here) else ""
