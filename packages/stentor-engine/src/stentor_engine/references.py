"""Recordings whose voices speak: each is sent once, and known by its id from then on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from .contract import Reference

BOUND = 64 * 2**20
"""Bytes of samples that a worker keeps."""


def reference_id(pcm: bytes) -> str:
    """Of s16le mono at REFERENCE_RATE: its SHA-256, in hex."""
    return hashlib.sha256(pcm).hexdigest()


def samples_of(pcm: bytes) -> NDArray[np.float32]:
    """float32 mono within [-1, 1] from s16le."""
    return np.frombuffer(pcm, np.dtype("<i2")).astype(np.float32) / 32768.0


class References:
    """What was used last stays; a single reference stays whatever its size."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._kept: OrderedDict[str, Reference] = OrderedDict()
        self._size = 0

    def get(self, named: str) -> Reference | None:
        if (reference := self._kept.get(named)) is not None:
            self._kept.move_to_end(named)
        return reference

    def put(self, reference: Reference) -> None:
        """One that is not kept yet."""
        self._kept[reference.id] = reference
        self._size += reference.samples.nbytes
        while self._size > self._bound and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size -= dropped.samples.nbytes
