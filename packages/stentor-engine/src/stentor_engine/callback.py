"""For engines whose library calls back: from a callback to the contract's generator."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class _End(Generic[T]):
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def iterate_callback(
    run: Callable[[Callable[[T], bool]], None], ahead: int = 4
) -> Generator[T, None, None]:
    """Yield what `run` emits, at most `ahead` items before they are asked for.

    `run(emit)` is called in a thread of its own. `emit(item)` blocks while the reader is behind and
    returns False once the generator was closed: `run` must then return soon, and closing waits
    for it. An exception of `run` is raised here.
    """
    items: queue.Queue[T | _End[T]] = queue.Queue(ahead)
    closed = threading.Event()

    def emit(item: T | _End[T]) -> bool:
        while not closed.is_set():
            try:
                items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            run(emit)
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            emit(_End(error))
        else:
            emit(_End(None))

    thread = threading.Thread(target=work, daemon=True, name="engine-callback")
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        thread.join()
