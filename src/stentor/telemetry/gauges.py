"""How things stand at this moment, looked up whenever Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stentor.backends.base import Backend
from stentor.lifecycle.service import AnyService
from stentor.lifecycle.state import State
from stentor.routing.models import Model, Models


class Gauges(Collector):
    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._of_models("admitted", "Requests being served or waiting", _admitted)
        yield self._of_models("waiting", "Calls that wait for a slot", _waiting)
        yield self._of_models("slots", "Calls that run at once at most", _slots)
        yield self._of_models("busy_slots", "Calls that run", _busy)
        yield self._states()
        yield self._memory()

    def _of_models(
        self, name: str, meaning: str, count: Callable[[Model], int]
    ) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"stentor_{name}", meaning, labels=["model"])
        for model in self._models:
            family.add_metric([model.name], count(model))
        return family

    def _states(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "stentor_worker_state",
            "1 for the state that a worker is in, 0 for all others",
            labels=["model", "backend", "state"],
        )
        for model, backend, service in _services(self._models):
            for state in State:
                labels = [model.name, backend.name, state.value]
                family.add_metric(labels, int(service.state is state))
        return family

    def _memory(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "stentor_worker_memory_bytes",
            "What a worker takes, as measured last",
            labels=["model", "backend", "device"],
        )
        for model, backend, service in _services(self._models):
            for device, used in service.footprint.used.items():
                family.add_metric([model.name, backend.name, device], used)
        return family


def _services(models: Models) -> Iterator[tuple[Model, Backend, AnyService]]:
    for model in models:
        for backend in model.backends:
            if backend.service is not None:
                yield model, backend, backend.service


def _admitted(model: Model) -> int:
    return model.scheduler.admitted


def _waiting(model: Model) -> int:
    return model.scheduler.waiting


def _slots(model: Model) -> int:
    return model.scheduler.slots


def _busy(model: Model) -> int:
    return model.scheduler.busy
