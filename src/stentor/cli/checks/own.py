"""The models in this command: no server runs that could try them."""

from __future__ import annotations

from contextlib import aclosing

from stentor.app import Stentor
from stentor.cli.checks.trial import NOTHING_FETCHED, Candidate, Loaded
from stentor.cli.local import Local
from stentor.config import Config
from stentor.routing.models import Model
from stentor_engine import ConversionCall, Reference
from stentor_engine.references import reference_id, samples_of


def without_pulling(config: Config) -> Config:
    """The same, of which no request fetches what an engine needs."""
    engines = config.engines.model_copy(update={"pull_on_request": False})
    return config.model_copy(update={"engines": engines})


class OwnTrial:
    def __init__(self, stentor: Stentor) -> None:
        self._stentor = stentor
        self.client = Local(stentor)

    async def candidates(self) -> list[Candidate]:
        return [_candidate(model) for model in self._stentor.models]

    async def load(self, model: str) -> Loaded:
        capabilities = await self._stentor.models.find(model).capabilities()
        return Loaded(capabilities.task, capabilities.word_times)

    async def convert(self, model: str, pcm: bytes) -> float | None:
        found, seconds = self._stentor.models.find(model), 0.0
        voices = (await found.capabilities()).voices
        recording = None if voices else Reference(reference_id(pcm), samples_of(pcm))
        call = ConversionCall(samples_of(pcm), reference=recording)
        with found.scheduler.admit() as admission:
            async with admission.lease() as backend, aclosing(backend.convert(call)) as chunks:
                async for chunk in chunks:
                    seconds += len(chunk.samples) / chunk.rate
        return seconds


def _candidate(model: Model) -> Candidate:
    missing = model.missing()
    advice = NOTHING_FETCHED if missing else ""
    return Candidate(model.name, model.task, model.aliases, missing, advice)
