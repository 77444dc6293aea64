"""What a client can ask for: models by name or alias, each with its backends and its scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from stentor.backends.base import Backend
from stentor.config import ConfigurationError
from stentor.errors import InvalidRequest, ModelNotFound, ModelUnavailable
from stentor.lifecycle.service import AnyService
from stentor.routing.scheduler import Admission, Scheduler
from stentor.types import Priority
from stentor_engine import Capabilities
from stentor_engine.contract import Task

_DOES: Mapping[Task, str] = {
    "speech": "speak",
    "transcription": "transcribe",
    "conversion": "convert",
}


class Model:
    def __init__(
        self,
        name: str,
        backends: Sequence[Backend],
        *,
        aliases: Sequence[str] = (),
        revision: str = "",
        queue_limit: int = 32,
        task: Task | None = None,
        source: object = None,
        missing: Callable[[], str] = str,
    ) -> None:
        """`task`: as far as it is known before the model was started; `source`: equal for models
        that are built alike; `missing`: what a start would lack now, or fetch; empty: nothing.
        """
        self.name = name
        self.missing = missing
        self.source = source
        self._task = task
        self.aliases = tuple(aliases)
        """May be others after a reload."""
        self.revision = revision
        self.backends = tuple(backends)
        self.scheduler = Scheduler(backends, queue_limit=queue_limit)
        self._capabilities: Capabilities | None = None

    @property
    def known(self) -> Capabilities | None:
        """Its capabilities, if it was started before."""
        return self._capabilities

    @property
    def services(self) -> list[AnyService]:
        """What is started and stopped on this machine for it."""
        return [each.service for each in self.backends if each.service is not None]

    @property
    def task(self) -> Task | None:
        """None: not known before it was started."""
        return self._capabilities.task if self._capabilities else self._task

    async def load(self) -> None:
        """Starts its first backend that can be started; raises ModelUnavailable."""
        # Of a server that is reached under /upstream/ only, nothing more is known.
        with suppress(InvalidRequest), self.scheduler.admit(Priority.WARM_UP) as admission:
            self._capabilities = await admission.ask()

    async def unload(self, *, timeout: float) -> None:
        """Stops what runs for it on this machine when its running requests have ended, at the
        latest after so many seconds.
        """
        vacating = (each.vacate("unloaded", timeout=timeout) for each in self.services)
        await asyncio.gather(*vacating)

    async def close(self) -> None:
        """Admits nothing more, lets what runs end within a deadline, and stops its backends."""
        self.scheduler.close()
        closing = [backend.close() for backend in self.backends]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome  # after all have had their turn

    async def retire(self) -> None:
        """Closes when the last of its requests has ended, however long that takes."""
        self.scheduler.close()
        for service in self.services:
            service.unpin()  # what takes its place may need its memory
        await self.scheduler.empty()
        for service in self.services:
            service.give_way("its model was changed or removed")
        await self.close()

    async def capabilities(self, admission: Admission | None = None) -> Capabilities:
        """As its first backend that can be started tells, for `admission` or for a moment; later
        they are known. Raises ModelUnavailable.
        """
        if self._capabilities is not None:
            return self._capabilities
        if admission is None:
            with self.scheduler.admit() as admission:
                return await self.capabilities(admission)
        try:
            self._capabilities = await admission.ask()
        except ModelUnavailable as error:
            raise ModelUnavailable.joined([error], model=self.name) from error
        return self._capabilities

    async def able(self, task: Task, admission: Admission | None = None) -> Capabilities:
        """Its capabilities; raises InvalidRequest when it is a model for another task."""
        capabilities = await self.capabilities(admission)
        if capabilities.task != task:
            raise InvalidRequest(f"model '{self.name}' does not {_DOES[task]}", param="model")
        return capabilities


class Models:
    def __init__(self, models: Iterable[Model] = ()) -> None:
        """Raises ConfigurationError for a name that stands for two models."""
        self._models: dict[str, Model] = {}
        self._by_name: dict[str, Model] = {}
        self.engines: Collection[str] = ()
        """Names of those that could be a model's."""
        self._retiring: dict[Model, asyncio.Task[None]] = {}
        self.replace(models)

    def replace(
        self, models: Iterable[Model], aliases: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """From now on there are these, with these aliases, by the names of models, in place of
        their own. Those that are left out retire. Raises ConfigurationError, with nothing changed.
        """
        named = {model.name: model for model in models}
        called = {name: aliases[name] if aliases else each.aliases for name, each in named.items()}
        by_name = _with_aliases(named, called)
        for name, model in named.items():
            model.aliases = tuple(called[name])
        left_out = [model for model in self if model is not named.get(model.name)]
        self._models, self._by_name = named, by_name
        for model in left_out:
            self._retiring[model] = asyncio.create_task(self._retire(model))

    async def _retire(self, model: Model) -> None:
        try:
            await model.retire()
        finally:
            del self._retiring[model]

    def __iter__(self) -> Iterator[Model]:
        return iter(list(self._models.values()))

    @property
    def retiring(self) -> Iterable[Model]:
        """Those that were changed or removed, and still serve the requests that they have."""
        return tuple(self._retiring)

    @property
    def by_name(self) -> Mapping[str, Model]:
        """Models by their names, then by their aliases."""
        return self._by_name

    def get(self, name: str) -> Model | None:
        """By its name alone."""
        return self._models.get(name)

    def find(self, name: str) -> Model:
        """By name or alias; raises ModelNotFound."""
        model = self._by_name.get(name)
        if model is None:
            known = ", ".join(sorted(self._models)) or "none"
            advice = f"`stentor models pull {name}` adds it" if name in self.engines else ""
            why = "; ".join(filter(None, (f"no model '{name}'", advice, f"there are: {known}")))
            raise ModelNotFound(why, param="model")
        return model

    async def unload(self, name: str, *, timeout: float) -> Model:
        """The model of that name or alias, when nothing of it runs on this machine any more, nor of
        what it was before it was changed: when their requests have ended, at the latest after so
        many seconds. Raises ModelNotFound.
        """
        model = self.find(name)
        old = {each: task for each, task in self._retiring.items() if each.name == model.name}
        ending = (_ended(each, task, timeout) for each, task in old.items())
        await asyncio.gather(model.unload(timeout=timeout), *ending)
        return model

    async def close(self) -> None:
        """Admits nothing more, lets what runs end, and stops every backend."""
        retiring = dict(self._retiring)
        for task in retiring.values():
            task.cancel()
        await asyncio.gather(*retiring.values(), return_exceptions=True)
        closing = [model.close() for model in (*self, *retiring)]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome  # after all have had their turn


async def _ended(model: Model, retiring: asyncio.Task[None], timeout: float) -> None:
    _, late = await asyncio.wait([retiring], timeout=timeout)
    if late:
        await model.unload(timeout=0)


def _with_aliases(
    models: Mapping[str, Model], aliases: Mapping[str, Sequence[str]]
) -> dict[str, Model]:
    by_name = dict(models)
    for name, model in models.items():
        for alias in aliases[name]:
            if alias in by_name:
                raise ConfigurationError(
                    f"'{alias}' names both '{by_name[alias].name}' and '{name}'"
                )
            by_name[alias] = model
    return by_name
