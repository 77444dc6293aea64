"""The configuration of a running server: read again, and changed from outside."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from stentor.config import (
    BackendConfig,
    Config,
    ConfigurationError,
    ModelConfig,
    config_file,
    own_models,
)
from stentor.errors import Conflict, InvalidRequest, ModelNotFound, NotAllowed, StorageFull
from stentor.routing.models import Models
from stentor.storage.kept_models import KeptModels, with_kept

log = structlog.get_logger(__name__)

RESTART = ("server", "storage")
"""Sections that are read once, when the server starts."""
COMMANDS = ("process", "container")
"""Kinds of backends that run a command: whoever may set one may do anything on this machine."""


@dataclass(frozen=True)
class Changes:
    """What a new configuration changed, by the names of models."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    needs_restart: tuple[str, ...]
    """Sections, and keys of others, that are new and count from the next start only."""


class Configured(Protocol):
    """What a configuration is applied to."""

    config: Config
    models: Models

    def apply(self, config: Config) -> None:
        """Raises ConfigurationError, with nothing changed."""


class LiveConfig:
    def __init__(self, stentor: Configured, read: Callable[[], Config], kept: KeptModels) -> None:
        """`read`: the configuration without the models that are kept."""
        self._stentor = stentor
        self._read = read
        self._kept = kept
        self._file = config_file()

    def kept(self) -> frozenset[str]:
        """The names of the models that were created here."""
        return frozenset(self._kept.read())

    def reload(self) -> Changes:
        """Raises ConfigurationError, with nothing changed."""
        if self._file is not None and not self._file.is_file():  # an editor may be replacing it
            raise ConfigurationError(f"{self._file} is not there any more")
        changes = self._apply(with_kept(self._read(), self._kept.read()))
        log.info("reloaded", added=changes.added, changed=changes.changed, removed=changes.removed)
        return changes

    def put(self, name: str, model: ModelConfig, *, new: bool = False) -> None:
        """Creates or changes a kept model. Raises Conflict, NotAllowed, InvalidRequest, or
        StorageFull, each with nothing changed.
        """
        kept = self._kept.read()
        if new and self._stentor.models.get(name) is not None:
            raise Conflict(f"there is a model '{name}' already", param="name")
        self._refuse_foreign(name, kept)
        for backend in model.backends:
            _refuse_command(backend)
        self._keep({**kept, name: model})

    def delete(self, name: str) -> None:
        """Raises ModelNotFound, Conflict, or StorageFull, each with nothing changed."""
        kept = self._kept.read()
        if self._stentor.models.get(name) is None:
            raise ModelNotFound(f"no model '{name}'", param="name")
        self._refuse_foreign(name, kept)
        if name not in kept:
            raise Conflict(f"'{name}' is a model of the base install", param="name")
        del kept[name]
        self._keep(kept)

    def _refuse_foreign(self, name: str, kept: dict[str, ModelConfig]) -> None:
        if name not in kept and name in own_models(self._read()):
            raise Conflict(f"'{name}' is a model of the configuration's file", param="name")

    def _keep(self, models: dict[str, ModelConfig]) -> None:
        before = self._kept.read()
        try:
            # Kept first: what cannot be kept has not ended any model's worker.
            self._kept.write(models)
            self._apply(with_kept(self._read(), models))
        except OSError as error:
            raise StorageFull(f"the model cannot be kept: {error.strerror}") from error
        except ConfigurationError as error:
            self._kept.write(before) if before else self._kept.clear()
            raise InvalidRequest(str(error).strip()) from error

    def _apply(self, config: Config) -> Changes:
        before, old = self._stentor.config, {m.name: m for m in self._stentor.models}
        self._stentor.apply(config)
        new = {m.name: m for m in self._stentor.models}
        return Changes(
            added=tuple(new.keys() - old.keys()),
            changed=tuple(name for name in new.keys() & old.keys() if new[name] is not old[name]),
            removed=tuple(old.keys() - new.keys()),
            needs_restart=_needs_restart(before, config),
        )


def _needs_restart(before: Config, after: Config) -> tuple[str, ...]:
    new = [section for section in RESTART if getattr(before, section) != getattr(after, section)]
    if before.lifecycle.cpu_threads != after.lifecycle.cpu_threads:
        new.append("lifecycle.cpu_threads")
    return tuple(new)


def _refuse_command(backend: BackendConfig) -> None:
    if backend.kind in COMMANDS:
        raise NotAllowed(f"a backend of kind '{backend.kind}' is for the configuration's file")


@contextmanager
def reload_on_hangup(live: LiveConfig) -> Iterator[None]:
    """SIGHUP reads the configuration again, where there is such a signal; a bad one is logged."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, _reload_or_tell, live)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _reload_or_tell(live: LiveConfig) -> None:
    try:
        live.reload()
    except ConfigurationError as error:
        log.error("not_reloaded", why=str(error).strip())
