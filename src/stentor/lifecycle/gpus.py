"""Nvidia's GPUs, as their driver tells: those that CUDA shows to what is started here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pynvml


@dataclass(frozen=True)
class Gpu:
    name: str
    memory: int | None
    """Bytes; None: it does not tell, as one that shares the machine's."""
    free: int | None
    """Bytes that nobody has; None: it does not tell."""
    taken: Mapping[int, int]
    """Bytes by process, as far as it tells: inside a container it may not."""


def gpus() -> list[Gpu]:
    """In the order of CUDA's numbers, if it counts them as the bus does; none where there is no
    driver. Blocks for some milliseconds.
    """
    with _driver() as there:
        if not there:
            return []
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        uuids = [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
        return [_gpu(handles[i]) for i in visible(os.environ.get("CUDA_VISIBLE_DEVICES"), uuids)]


def visible(given: str | None, uuids: Sequence[str]) -> list[int]:
    """The indices that CUDA_VISIBLE_DEVICES names, by numbers or by beginnings of UUIDs; as CUDA
    does, up to the first entry that names nothing.
    """
    if given is None:
        return list(range(len(uuids)))
    found: list[int] = []
    for entry in map(str.strip, given.split(",")):
        named = [i for i, uuid in enumerate(uuids) if entry and uuid.startswith(entry)]
        if entry.isdecimal() and int(entry) < len(uuids):
            named = [int(entry)]
        if len(named) != 1:
            break
        found += named
    return found


def _gpu(handle: object) -> Gpu:
    memory, free, taken = None, None, {}
    with contextlib.suppress(pynvml.NVMLError):
        info = pynvml.nvmlDeviceGetMemoryInfo(handle)
        memory, free = int(info.total), int(info.free)
    with contextlib.suppress(pynvml.NVMLError):
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
            taken[int(process.pid)] = int(process.usedGpuMemory or 0)
    return Gpu(str(pynvml.nvmlDeviceGetName(handle)), memory, free, taken)


@contextlib.contextmanager
def _driver() -> Iterator[bool]:
    """Whether there is one."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()
