"""How much memory this machine's devices have, and how much of it a process takes."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pynvml

from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.proposal import Machine

GIB = 2**30
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
    used = Counter(ram=ram)
    with _gpus() as gpus:
        for index, gpu in enumerate(gpus):
            with contextlib.suppress(pynvml.NVMLError):  # this one does not tell
                for each in pynvml.nvmlDeviceGetComputeRunningProcesses(gpu):
                    if each.pid in pids and each.usedGpuMemory:
                        used[f"cuda:{index}"] += each.usedGpuMemory
    return dict(used)


def gpu_names() -> list[str]:
    """Of Nvidia's GPUs, in the order of their numbers."""
    with _gpus() as gpus:
        return [str(pynvml.nvmlDeviceGetName(gpu)) for gpu in gpus]


def memory_budget(given: Bytes, sizes: Bytes) -> Bytes:
    """The most that models may take of each device: what is given, or a share of what there is."""
    return {**{device: int(size * SHARE) for device, size in sizes.items()}, **given}


def device_sizes() -> Bytes:
    """Bytes that each device has in all, as far as they tell."""
    cuda = {}
    with _gpus() as gpus:
        for index, gpu in enumerate(gpus):
            with contextlib.suppress(pynvml.NVMLError):  # it shares the machine's memory
                cuda[f"cuda:{index}"] = int(pynvml.nvmlDeviceGetMemoryInfo(gpu).total)
    return {"ram": psutil.virtual_memory().total, **cuda}


def machine(folder: Path) -> Machine:
    """`folder`: where models would be kept."""
    sizes = device_sizes()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    gpu = max((size for device, size in sizes.items() if device != "ram"), default=0)
    free = shutil.disk_usage(there).free
    return Machine(gpu=gpu / GIB, memory=sizes["ram"] / GIB, disk=free / GIB)


@contextlib.contextmanager
def _gpus() -> Iterator[list[object]]:
    """Handles; none where there is no driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield []
        return
    try:
        count = pynvml.nvmlDeviceGetCount()
        yield [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    finally:
        pynvml.nvmlShutdown()
