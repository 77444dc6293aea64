"""Which engines a name means to `stentor models`, and what of them is on this machine's disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stentor.cli.failure import UsageError
from stentor.config import Config, EngineBackendConfig, configured_models
from stentor.errors import ModelUnavailable
from stentor.lifecycle.catalog import bundled_engines, declared, find_engines, no_engine
from stentor.lifecycle.environments.store import Environments
from stentor.lifecycle.stores import environments, weights_store
from stentor.lifecycle.weights.wanted import Wanted, resolve
from stentor.storage.size import size_of
from stentor_engine.loader import Declaration


@dataclass(frozen=True)
class Target:
    """An engine as a model uses it. `model`: None where only the engine was named."""

    model: str | None
    file: Path
    declaration: Declaration
    weights: str | None = None
    device: str = "auto"
    revision: str = ""
    checksum: str = ""

    @property
    def engine(self) -> str:
        return self.declaration.name

    def wanted(self) -> Wanted | Path | str | None:
        return resolve(self.declaration, self.weights, self.revision)


class Installed:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.models = configured_models(config)
        self.engines = find_engines([bundled_engines(), *config.engines.paths])
        self.environments: Environments = environments(config)
        self.weights = weights_store(config)

    def targets(self, name: str) -> list[Target]:
        """Of a model, or of an engine, whose weights may follow its name after a colon. Raises
        UsageError.
        """
        if name in self.models:
            return list(self._of_model(name))
        engine, _, weights = name.partition(":")
        if engine in self.engines:
            declaration = declared(engine, self.engines)
            return [Target(None, self.engines[engine], declaration, weights or None)]
        known = ", ".join(sorted({*self.models, *self.engines}))
        raise UsageError(f"there is no model or engine '{name}'; there are: {known}")

    def configured(self) -> list[Target]:
        """Of all models whose engines are there."""
        return [target for name in self.models for target in self._of_model(name, strict=False)]

    def declarations(self) -> list[tuple[Declaration, Path]]:
        """Of all engines, with their files."""
        return [(declared(name, self.engines), file) for name, file in self.engines.items()]

    def environment(self, file: Path) -> Path | None:
        """The folder of what an engine's file needs; None: it needs none of its own."""
        found = self.environments.find(file)
        return None if found is None else found.folder

    def size(self, model: str) -> int | None:
        """Bytes that a model's weights and environments take, also those that it shares; None:
        nothing is known of it here.
        """
        if model not in self.models:
            return None
        targets = list(self._of_model(model, strict=False))
        environments = {self.environments.find(target.file) for target in targets}
        weights = {place for target in targets if (place := self._weights(target)) is not None}
        sizes = [each.size for each in environments if each is not None and each.ready]
        return sum(sizes) + sum(map(size_of, weights))

    def places(self, target: Target) -> set[Path]:
        """The folders of what it needs, there or not."""
        found = (self.environment(target.file), self._weights(target))
        return {each for each in found if each is not None}

    def _weights(self, target: Target) -> Path | None:
        """Where they are, or would be."""
        try:
            wanted = target.wanted()
        except ModelUnavailable:
            return None
        if isinstance(wanted, Wanted):
            return self.weights.place(wanted)
        return wanted if isinstance(wanted, Path) else None

    def _of_model(self, name: str, *, strict: bool = True) -> Iterable[Target]:
        model = self.models[name]
        for each in model.backends:
            backend = _engine(each)
            if backend is None:
                continue
            if backend.engine in self.engines:
                declaration = declared(backend.engine, self.engines)
                file = self.engines[backend.engine]
                yield Target(
                    name,
                    file,
                    declaration,
                    model.weights,
                    backend.device,
                    model.revision,
                    model.checksum,
                )
            elif strict:
                paths = self.config.engines.paths
                raise UsageError(no_engine(backend.engine, self.engines, paths))


def _engine(backend: object) -> EngineBackendConfig | None:
    return backend if isinstance(backend, EngineBackendConfig) else None
