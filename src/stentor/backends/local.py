"""What backends have in common that are started and stopped on this machine."""

from __future__ import annotations

from collections.abc import Callable

from stentor.lifecycle.service import AnyService
from stentor.lifecycle.state import State


class Local:
    """The part of a `Backend` that its service answers."""

    def __init__(self, name: str, service: AnyService) -> None:
        self.name = name
        self._service = service

    @property
    def service(self) -> AnyService:
        return self._service

    @property
    def healthy(self) -> bool:
        return self._service.healthy

    @property
    def open(self) -> bool:
        return self._service.open

    @property
    def warm(self) -> bool:
        return self._service.state is State.READY

    @property
    def ready_at(self) -> float:
        return self._service.ready_at

    def on_change(self, listener: Callable[[], None]) -> None:
        self._service.on_change(listener)

    def enter(self) -> None:
        self._service.enter()

    def leave(self) -> None:
        self._service.leave()
