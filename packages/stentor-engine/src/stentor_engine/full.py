"""A device or a machine without room, in the words of the libraries that engines run on: PyTorch,
CTranslate2, ONNX Runtime, ggml, and Nvidia's and the system's own below them.
"""

from __future__ import annotations

import re

_FULL = re.compile(
    r"out of memory|not enough memory|insufficient memory|failed to reserve memory"
    r"|bad_alloc|alloc_failed|smaller than requested bytes|attempted to allocate"
    r"|(?:fail|unable|can.?not|can't|could not)\w*(?: to)? allocat"
    r"|failed to init \w+ allocator|kv_cache_init\(\) failed",
    re.IGNORECASE,
)


def is_full(error: BaseException) -> bool:
    """Another try may do better, when there is room again."""
    return isinstance(error, MemoryError) or is_told_full(str(error))


def is_told_full(told: str) -> bool:
    """Of an error's words alone."""
    return bool(_FULL.search(told))
