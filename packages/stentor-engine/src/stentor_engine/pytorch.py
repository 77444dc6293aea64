"""For engines on PyTorch, which they bring: the SDK imports it only when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from .errors import LoadFailed, OutOfMemory
from .full import is_full

T = TypeVar("T")


def discard_torch_folder() -> None:
    """PyTorch makes a temporary folder when it is imported as a whole, for a module that it has
    loaded by then, and leaves it until an end of the process which a worker does not come to.
    """
    from torch.distributed.nn.jit import instantiator

    instantiator._TEMP_DIR.cleanup()


def torch_device(device: str, kinds: Sequence[str]) -> str:
    """The PyTorch device that `Settings.device` means. `kinds`: those that an engine runs on, the
    best one first. Raises LoadFailed for one that is not there.
    """
    kind, _, number = device.partition(":")
    if device == "auto":
        return next((each for each in kinds if _count(each)), "cpu")
    if kind not in kinds or (":" in device and not (kind == "cuda" and number.isdecimal())):
        known = ", ".join(("auto", *kinds, *(("cuda:N",) if "cuda" in kinds else ())))
        raise LoadFailed(f"device '{device}' cannot be used: this engine runs on {known}")
    if int(number or 0) >= _count(kind):
        raise LoadFailed(f"device '{device}' cannot be used: PyTorch finds no such device")
    return device


def _count(kind: str) -> int:
    import torch

    if kind == "cuda":
        return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
    return int(kind == "cpu" or torch.backends.mps.is_available())


def within_memory(work: Callable[[], T]) -> T:
    """What `work` returns. Raises OutOfMemory where the device or the machine is full,
    and gives back what PyTorch keeps of a device: only once the error is forgotten, and with its
    frames the tensors that filled it.
    """
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        told = str(error) or "out of memory"
    _give_back()
    raise OutOfMemory(told)


def _give_back() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
