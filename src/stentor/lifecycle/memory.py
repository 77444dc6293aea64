"""How much memory this machine's devices have, and how much of it a process takes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.proposal import Machine
from stentor.lifecycle.strangers import Seen

GIB = 2**30
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of cgroups, in their second version and their first."""
SHARE = 0.9
"""Of a device, that models may take where the configuration does not tell."""


def memory_of(pid: int) -> Bytes:
    """Of a process and all that it started, by device; a GPU only where the driver tells, which
    inside a container it may not. Blocks for about a millisecond.
    """
    pids, ram = set(), 0
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):  # it ended just now
            ram += process.memory_info().rss
            pids.add(process.pid)
    if not pids:
        return {}
    used = {"ram": ram}
    for index, gpu in enumerate(gpus()):
        if taken := sum(size for pid, size in gpu.taken.items() if pid in pids):
            used[f"cuda:{index}"] = taken
    return used


def _family(pid: int) -> Iterator[psutil.Process]:
    """A process and all that it started; nothing where it has ended."""
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        yield from [root, *root.children(recursive=True)]


def gpu_memory() -> dict[str, Seen]:
    """Of each GPU that tells, by device; ours is what this process and all that it started take.
    Blocks for some milliseconds.
    """
    found = gpus()
    pids = {process.pid for process in _family(os.getpid())} if found else set()
    return {
        f"cuda:{index}": Seen(
            gpu.memory, gpu.free, sum(size for pid, size in gpu.taken.items() if pid in pids)
        )
        for index, gpu in enumerate(found)
        if gpu.memory and gpu.free is not None
    }


async def look_at_gpus() -> Mapping[str, Seen]:
    """The same, in a thread of its own: a driver may take its time."""
    return await asyncio.to_thread(gpu_memory)


def memory_budget(given: Bytes, sizes: Bytes) -> Bytes:
    """The most that models may take of each device: what is given, or a share of what there is."""
    return {**{device: int(size * SHARE) for device, size in sizes.items()}, **given}


def device_sizes() -> Bytes:
    """Bytes that each device has in all, as far as they tell."""
    cuda = {f"cuda:{index}": gpu.memory for index, gpu in enumerate(gpus()) if gpu.memory}
    return {"ram": ram_size(), **cuda}


def ram_size(limits: Sequence[Path] = CONTAINER_LIMITS) -> int:
    """Bytes of the machine, or of the container, if that has less."""
    size = psutil.virtual_memory().total
    for limit in limits:
        with contextlib.suppress(OSError, ValueError):  # no such container, or "max"
            size = min(size, int(limit.read_text()))
    return size


def machine(folder: Path) -> Machine:
    """`folder`: where models would be kept."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    gpu = max((gpu.free + gpu.ours for gpu in gpu_memory().values()), default=0)
    free = shutil.disk_usage(there).free
    return Machine(gpu=gpu / GIB, memory=ram_size() / GIB, disk=free / GIB)
