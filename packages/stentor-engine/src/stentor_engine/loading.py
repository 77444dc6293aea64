"""For engines on PyTorch: loading a model, and telling why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .errors import LoadFailed, OutOfMemory
from .pytorch import within_memory

T = TypeVar("T")


def loaded(load: Callable[[], T], folder: Path) -> T:
    """What `load` returns, of weights in that folder. Raises OutOfMemory, and LoadFailed with the
    first line of any other error: PyTorch's own words go on with all the names of what does not
    fit, or with an advice.
    """
    try:
        return within_memory(load)
    except (LoadFailed, OutOfMemory):
        raise
    except Exception as error:
        told = str(error).partition("\n")[0].replace(str(folder), folder.name)
        raise LoadFailed(f"its weights cannot be loaded: {type(error).__name__}: {told}") from error
