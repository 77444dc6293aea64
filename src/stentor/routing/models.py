"""What a client can ask for: models by name or alias, each with its backends and its scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from stentor.backends.base import Backend
from stentor.config import ConfigurationError
from stentor.errors import InvalidRequest, ModelNotFound, ModelUnavailable
from stentor.routing.scheduler import Scheduler
from stentor_engine import Capabilities

Task = Literal["speech", "transcription"]


class Model:
    def __init__(
        self,
        name: str,
        backends: Sequence[Backend],
        *,
        aliases: Sequence[str] = (),
        revision: str = "",
        queue_limit: int = 32,
    ) -> None:
        self.name = name
        self.aliases = tuple(aliases)
        self.revision = revision
        self.backends = tuple(backends)
        self.scheduler = Scheduler(backends, queue_limit=queue_limit)
        self._capabilities: Capabilities | None = None

    @property
    def known(self) -> Capabilities | None:
        """Its capabilities, if it was started before."""
        return self._capabilities

    async def capabilities(self) -> Capabilities:
        """As its first backend that can be started tells; later they are known."""
        if self._capabilities is None:
            self._capabilities = await self._ask()
        return self._capabilities

    async def _ask(self) -> Capabilities:
        reasons = []
        for backend in self.backends:
            try:
                return await backend.ensure_ready()
            except ModelUnavailable as error:
                reasons.append(str(error))
        raise ModelUnavailable(f"model '{self.name}' is not available: {'; '.join(reasons)}")

    async def able(self, task: Task) -> Capabilities:
        """Its capabilities; raises InvalidRequest when it is a model for another task."""
        capabilities = await self.capabilities()
        if capabilities.task != task:
            able = "speak" if task == "speech" else "transcribe"
            raise InvalidRequest(f"model '{self.name}' does not {able}", param="model")
        return capabilities


class Models:
    def __init__(self, models: Iterable[Model]) -> None:
        """Raises ConfigurationError for a name that stands for two models."""
        self._models = {model.name: model for model in models}
        self._by_name = dict(self._models)
        for model in self._models.values():
            for alias in model.aliases:
                if alias in self._by_name:
                    other = self._by_name[alias].name
                    raise ConfigurationError(f"'{alias}' names both '{other}' and '{model.name}'")
                self._by_name[alias] = model

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    @property
    def by_name(self) -> Mapping[str, Model]:
        """Models by their names, then by their aliases."""
        return self._by_name

    def find(self, name: str) -> Model:
        """By name or alias; raises ModelNotFound."""
        model = self._by_name.get(name)
        if model is None:
            known = ", ".join(sorted(self._models)) or "none"
            raise ModelNotFound(f"no model '{name}'; there are: {known}", param="model")
        return model

    async def close(self) -> None:
        """Admits nothing more, lets what runs end, and stops every backend."""
        for model in self:
            model.scheduler.close()
        closing = [backend.close() for model in self for backend in model.backends]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome  # after all have had their turn
