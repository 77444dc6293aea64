# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy"]
# ///
"""An engine that takes a GPU's memory, through CUDA's driver, and says its text as one tone."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stentor_engine import (
    Capabilities,
    EngineError,
    LoadFailed,
    Option,
    OutOfMemory,
    Samples,
    Settings,
    SpeechCall,
    SpeechEngine,
)

RATE = 24_000
MIB = 2**20
FULL = 2
"""CUDA_ERROR_OUT_OF_MEMORY"""


class Vram(SpeechEngine):
    name = "vram"
    devices = ("cuda",)

    def __init__(self, settings: Settings) -> None:
        kind, _, number = settings.device.partition(":")
        if kind != "cuda":
            raise LoadFailed(f"device '{settings.device}' is no GPU")
        self._cuda = Cuda(int(number or 0))
        self._cuda.take(int(settings.options.get("held_mb", 0)) * MIB)
        self.capabilities = Capabilities(
            "speech",
            RATE,
            options=(
                Option("held_mb", "integer", 0, "memory held from loading on", 0),
                Option("call_mb", "integer", 0, "memory held while a call runs", 0),
                Option("pieces", "integer", 4, "of a tenth of a second", 1),
            ),
            streaming=True,
            deterministic=True,
            normalises=True,
        )

    def synthesize(self, call: SpeechCall) -> Iterator[Samples | None]:
        time = np.arange(RATE // 10) / RATE
        tone = (0.3 * np.sin(2 * np.pi * 440.0 * time)).astype(np.float32)
        with self._cuda.taken(int(call.options["call_mb"]) * MIB):
            for _ in range(int(call.options["pieces"])):
                yield tone


class Cuda:
    """The GPU of that number. Raises LoadFailed, OutOfMemory, EngineError."""

    def __init__(self, number: int) -> None:
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise LoadFailed(f"no driver of CUDA: {error}") from error
        device, self._context = ctypes.c_int(), ctypes.c_void_p()
        self._ask("cuInit", 0)
        self._ask("cuDeviceGet", ctypes.byref(device), number)
        self._ask("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)

    def take(self, size: int) -> ctypes.c_uint64:
        address = ctypes.c_uint64()
        if size:
            self._ask("cuCtxSetCurrent", self._context)  # a thread's own
            self._ask("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        address = self.take(size)
        try:
            yield
        finally:
            if size:
                self._ask("cuCtxSetCurrent", self._context)
                self._ask("cuMemFree_v2", address)

    def _ask(self, function: str, *arguments: object) -> None:
        code = getattr(self._library, function)(*arguments)
        if code == FULL:
            raise OutOfMemory(f"CUDA out of memory in {function}")
        if code:
            raise EngineError(f"{function}: CUDA error {code}")
