"""What engines keep of what they computed, within a bound of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

BOUND = 64 * 2**20
"""Bytes."""


class Kept(Generic[T]):
    """By names, such as a reference's id. What was used last stays; a single one stays whatever its
    size. Not for several threads at once.
    """

    def __init__(self, size: Callable[[T], int], bound: int = BOUND) -> None:
        """`size`: of one, in bytes."""
        self._sized = size
        self._bound = bound
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._size = 0

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The one of that name, made when it is not kept. What `make` raises keeps nothing."""
        if name not in self._kept:
            self._put(name, make())
        self._kept.move_to_end(name)
        return self._kept[name]

    def _put(self, name: str, made: T) -> None:
        self._kept[name] = made
        self._size += self._sized(made)
        while self._size > self._bound and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size -= self._sized(dropped)
