"""Environments and weights, where the configuration has them."""

from __future__ import annotations

from stentor.config import Config
from stentor.lifecycle.environments.store import Environments
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.weights.licences import Licences
from stentor.lifecycle.weights.store import WeightsStore


def environments(config: Config) -> Environments:
    return Environments(
        config.storage.data_dir / "environments",
        torch=config.engines.torch,
        timeout=config.engines.pull_timeout,
        nvidia=config.engines.torch != "cpu" and bool(gpus()),
    )


def weights_store(config: Config) -> WeightsStore:
    folder = config.storage.data_dir
    licences = Licences(folder / "licences.json", configured=config.engines.accepted_licences)
    return WeightsStore(folder / "weights", licences, timeout=config.engines.pull_timeout)
