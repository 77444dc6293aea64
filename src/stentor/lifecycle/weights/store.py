"""The weights that are here, and how they come."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import structlog

from stentor.errors import ModelUnavailable
from stentor.lifecycle.weights.checksum import Checksums
from stentor.lifecycle.weights.fetch import Told, Waiting, full
from stentor.lifecycle.weights.licences import Licences
from stentor.lifecycle.weights.remote import Patience
from stentor.lifecycle.weights.staging import fetch_all, is_complete
from stentor.lifecycle.weights.wanted import Wanted, resolve
from stentor.storage.locks import PARTIAL, locked
from stentor_engine.loader import Declaration

log = structlog.get_logger(__name__)


class WeightsStore:
    """Those below one folder. Fetches each once, however many ask for them."""

    def __init__(
        self, folder: Path, licences: Licences, *, timeout: float, patience: Patience | None = None
    ) -> None:
        """`timeout`: seconds for one fetch."""
        self.root = folder
        self.licences = licences
        self._timeout = timeout
        self._patience = patience or Patience()
        self._fetching: dict[str, asyncio.Lock] = {}
        self._checksums = Checksums()

    def place(self, wanted: Wanted) -> Path:
        return self.root / wanted.key

    def begun(self, wanted: Wanted) -> Path:
        """Where what was begun of them is."""
        return self.root / f"{wanted.key}{PARTIAL}"

    def has(self, wanted: Wanted) -> bool:
        return is_complete(self.place(wanted))

    async def folder(
        self,
        name: str,
        declaration: Declaration,
        weights: str | None,
        *,
        may_fetch: bool,
        revision: str = "",
        checksum: str = "",
    ) -> str | None:
        """What an engine gets as `Settings.weights`, for what its model's configuration says.

        `name`: of the model, or of the engine, as `stentor models pull` knows it. Raises
        ModelUnavailable, saying what to do; StorageFull.
        """
        wanted = resolve(declaration, weights, revision)
        if isinstance(wanted, Path):
            if not wanted.exists():
                raise ModelUnavailable(
                    f"the weights of '{name}' are not there: no folder {wanted.name}"
                )
            await self.compare(name, wanted, checksum)
            return str(wanted)
        if not isinstance(wanted, Wanted):
            return wanted
        if not self.has(wanted):
            if not may_fetch:
                raise ModelUnavailable(
                    f"the weights of '{name}' are not here: stentor models pull {name}"
                )
            await self.pull(name, wanted, _unheard)
        await self.compare(name, self.place(wanted), checksum)
        return str(self.place(wanted))

    async def compare(self, name: str, place: Path, checksum: str) -> None:
        """Nothing, without a checksum. Raises ModelUnavailable for weights that have another."""
        if not checksum:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._checksums.compare(name, place, checksum)
        except TimeoutError as error:
            raise ModelUnavailable(
                f"the weights of '{name}' were not read within {self._timeout:g} s"
            ) from error

    async def pull(self, name: str, wanted: Wanted, told: Told) -> Path:
        """Their folder, when they are in it; `told` hears how that goes. What a fetch that broke
        off left is gone on with. Raises ModelUnavailable; StorageFull.
        """
        async with self._fetching.setdefault(wanted.key, asyncio.Lock()):
            if not self.has(wanted):
                self._refuse_unaccepted(name, wanted)
                await self._fetch(name, wanted, told)
        return self.place(wanted)

    async def _fetch(self, name: str, wanted: Wanted, told: Told) -> None:
        place, begun = self.place(wanted), self.begun(wanted)
        log.info("weights_fetching", model=name, weights=wanted.name, folder=place.name)
        try:
            waits = partial(told, Waiting())
            async with asyncio.timeout(self._timeout), locked(self.root, wanted.key, waits):
                if not self.has(wanted):  # another process was quicker
                    await fetch_all(wanted, place, begun, self._patience, told)
        except TimeoutError as error:
            raise ModelUnavailable(
                f"the weights of '{name}' were not fetched within {self._timeout:g} s; what is "
                "here of them is kept: try again"
            ) from error
        except OSError as error:
            raise full(error, f"the weights of '{name}'") from error
        log.info("weights_fetched", model=name, weights=wanted.name)

    def _refuse_unaccepted(self, name: str, wanted: Wanted) -> None:
        if lacking := self.licences.lacking(wanted.licences):
            raise ModelUnavailable(
                f"the weights of '{name}' come with a licence that was not accepted yet: "
                f"{'; '.join(lacking)}. Read it, then: stentor models pull {name} "
                "--accept-licence"
            )


def _unheard(progress: object) -> None:
    pass
