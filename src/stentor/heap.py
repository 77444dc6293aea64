"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import sys


def trim() -> None:
    """glibc keeps what many threads freed, hundreds of MiB after a busy minute, until it is asked.
    Takes milliseconds. Elsewhere there is nothing to do.
    """
    if sys.platform == "linux":
        release = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if release is not None:
            release(0)
