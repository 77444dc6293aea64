"""For engines that compute on the CPU with as many threads as they are told."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .options import Option, OptionValue

THREADS = Option("threads", "integer", 0, "set for the model: of the CPU; 0: one for each", 0, 64)


def thread_count(options: Mapping[str, OptionValue]) -> int:
    """What the option THREADS asks for; of 0 the number of CPUs that this process may use."""
    return int(options[THREADS.name]) or _cpus()


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
