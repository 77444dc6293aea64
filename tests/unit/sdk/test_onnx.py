"""What needs no ONNX Runtime; its sessions are stopped in the tests of the engines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stentor_engine import LoadFailed
from stentor_engine.onnx import choose_provider, draws, on_cpu, require_provider

CPU, CUDA, COREML = (f"{each}ExecutionProvider" for each in ("CPU", "CUDA", "CoreML"))


@pytest.mark.parametrize(
    ("device", "available", "chosen"),
    [
        ("auto", (CPU,), (CPU, {})),
        ("auto", (CUDA, CPU), (CUDA, {})),
        ("auto", (COREML, CPU), (CPU, {})),
        ("cpu", (CUDA, CPU), (CPU, {})),
        ("cuda", (CUDA, CPU), (CUDA, {})),
        ("cuda:1", (CUDA, CPU), (CUDA, {"device_id": "1"})),
        ("mps", (COREML, CPU), (COREML, {})),
    ],
)
def test_a_device_is_a_provider(
    device: str, available: tuple[str, ...], chosen: tuple[str, dict[str, str]]
) -> None:
    assert choose_provider(device, available) == chosen


@pytest.mark.parametrize("device", ["cuda:7", "mps", "rocm", "", "CPU"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(LoadFailed, match=f"device '{device}'"):
        choose_provider(device, (CPU,))


@dataclass(frozen=True)
class Started:
    """A session, by the providers that started for it."""

    providers: tuple[str, ...]

    def get_providers(self) -> tuple[str, ...]:
        return self.providers


def test_a_provider_that_does_not_start_is_told() -> None:
    whole, lacking = Started((CUDA, CPU)), Started((CPU,))
    require_provider([whole, whole], CUDA, "cuda")
    with pytest.raises(LoadFailed, match=f"'cuda' cannot be used: {CUDA} does not start"):
        require_provider([whole, lacking], CUDA, "cuda")


def test_what_a_gpu_computes_too_is_not_on_the_cpu() -> None:
    assert on_cpu([Started((CPU,)), Started((CPU,))])
    assert not on_cpu([Started((CPU,)), Started((CUDA, CPU))])


def test_a_model_that_draws_is_known(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"\x08\x07\x12\x03Mul")
    assert not draws(file)
    file.write_bytes(b"\x08\x07\x12\x10RandomNormalLike")
    assert draws(file)
