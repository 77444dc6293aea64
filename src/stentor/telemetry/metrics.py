"""What Prometheus reads at `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stentor.routing.models import Models

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """One per app; no registry is shared between apps."""

    def __init__(self, models: Models) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "stentor_requests",
            "Requests by route and status",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "stentor_request_seconds",
            "From a request's first byte to its answer's last",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._first_audio = Histogram(
            "stentor_first_audio_seconds",
            "From a speech request to its first bytes of audio",
            ["model"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._audio = Counter(
            "stentor_audio_seconds",
            "Audio spoken and heard",
            ["task", "model"],
            registry=self._registry,
        )
        self._registry.register(_Queues(models))

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def first_audio(self, model: str, seconds: float) -> None:
        self._first_audio.labels(model).observe(seconds)

    def audio(self, task: str, model: str, seconds: float) -> None:
        self._audio.labels(task, model).inc(seconds)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)


class _Queues(Collector):
    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[GaugeMetricFamily]:
        admitted = GaugeMetricFamily(
            "stentor_admitted", "Requests being served or waiting", labels=["model"]
        )
        waiting = GaugeMetricFamily(
            "stentor_waiting", "Calls that wait for a slot", labels=["model"]
        )
        for model in self._models:
            admitted.add_metric([model.name], model.scheduler.admitted)
            waiting.add_metric([model.name], model.scheduler.waiting)
        return iter((admitted, waiting))
