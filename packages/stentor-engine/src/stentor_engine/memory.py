"""What a worker takes of its GPUs, as its own PyTorch knows: inside a container the driver tells
nobody else.
"""

from __future__ import annotations

import sys


def device_memory() -> dict[str, int]:
    """Bytes by device, as `cuda:0`. Nothing where no PyTorch is loaded, or it uses no GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    held = {
        f"cuda:{i}": int(torch.cuda.memory_reserved(i)) for i in range(torch.cuda.device_count())
    }
    return {device: amount for device, amount in held.items() if amount}
