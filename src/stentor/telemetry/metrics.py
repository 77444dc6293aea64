"""What Prometheus reads at `/metrics`.

Labels are names of the configuration, patterns of routes, codes of our errors and voices that the
models told of: clients cannot add any.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from stentor.routing.models import Models
from stentor.telemetry.gauges import Gauges
from stentor.telemetry.told import tell

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
VOICES_MOST = 200
"""Voices of one model that are counted apart."""
OTHER = "other"
"""The label of what is not known."""


class Metrics:
    """One per app; no registry is shared between apps. Where a request is being answered, its log
    line tells the figures too.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._voices: dict[str, set[str]] = {}
        self._registry = CollectorRegistry()
        self._requests = self._counter(
            "stentor_requests", "Requests by route and status", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "stentor_request_seconds", "From a request's first byte to its answer's last", "route"
        )
        self._errors = self._counter(
            "stentor_errors", "Requests that ended in an error", "code", "route"
        )
        self._first_audio = self._histogram(
            "stentor_first_audio_seconds",
            "From a speech request to its first bytes of audio",
            "model",
            "backend",
        )
        self._generation = self._histogram(
            "stentor_generation_seconds",
            "From a request to the last of its audio or of its text",
            "model",
            "backend",
        )
        self._audio = self._counter(
            "stentor_audio_seconds", "Audio spoken and heard", "task", "model", "backend", "voice"
        )
        self._characters = self._counter(
            "stentor_input_characters", "Characters of text that were spoken", "model"
        )
        self._registry.register(Gauges(models))

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_error(self, code: str, route: str) -> None:
        self._errors.labels(code, route).inc()

    def began(self, *, model: str, backend: str, seconds: float) -> None:
        """A speech request's first bytes of audio are there, so many seconds after it came."""
        self._first_audio.labels(*self._place(model, backend)).observe(seconds)
        tell(model=model, backend=backend, first_audio=round(seconds, 4))

    def spoken(
        self,
        *,
        model: str,
        backend: str,
        voice: str | None,
        audio: float,
        seconds: float,
        characters: int,
    ) -> None:
        """A speech request ended, also early. `voice`: the id of one of the model's own; `audio`:
        seconds of it; `seconds`: since the request came; `characters`: of its input.
        """
        place = self._place(model, backend)
        self._generation.labels(*place).observe(seconds)
        self._audio.labels("speech", *place, self._voice(model, voice)).inc(audio)
        self._characters.labels(place[0]).inc(characters)
        tell(model=model, backend=backend, characters=characters, audio=round(audio, 3))

    def heard(self, *, model: str, backend: str, audio: float, seconds: float) -> None:
        """A transcription ended, also early. `audio`: seconds of it that were read; `seconds`:
        since the request came.
        """
        place = self._place(model, backend)
        self._generation.labels(*place).observe(seconds)
        self._audio.labels("transcription", *place, "").inc(audio)
        tell(model=model, backend=backend, audio=round(audio, 3))

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def _place(self, model: str, backend: str) -> tuple[str, str]:
        """`backend` is empty where none had its turn."""
        known = self._models.get(model)
        if known is None:
            return OTHER, OTHER
        names = ("", *(each.name for each in known.backends))
        return model, backend if backend in names else OTHER

    def _voice(self, model: str, voice: str | None) -> str:
        known = known_model.known if (known_model := self._models.get(model)) else None
        if voice is None:
            return ""
        if known is None or all(voice != each.id for each in known.voices):
            return OTHER
        counted = self._voices.setdefault(model, set())
        if voice not in counted and len(counted) >= VOICES_MOST:
            return OTHER
        counted.add(voice)
        return voice

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, buckets=SECONDS, registry=self._registry)
