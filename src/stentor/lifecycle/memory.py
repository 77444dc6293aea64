"""How much memory this machine's devices have, and how much of it a process takes."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil

from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.gpus import gpus
from stentor.lifecycle.proposal import Machine

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
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):  # it ended just now
                ram += process.memory_info().rss
                pids.add(process.pid)
    except psutil.Error:
        return {}
    used = {"ram": ram}
    for index, gpu in enumerate(gpus()):
        if taken := sum(size for pid, size in gpu.taken.items() if pid in pids):
            used[f"cuda:{index}"] = taken
    return used


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
    sizes = device_sizes()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    gpu = max((size for device, size in sizes.items() if device != "ram"), default=0)
    free = shutil.disk_usage(there).free
    return Machine(gpu=gpu / GIB, memory=sizes["ram"] / GIB, disk=free / GIB)
