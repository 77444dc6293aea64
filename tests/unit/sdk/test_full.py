"""Which errors tell of a device or a machine without room."""

from __future__ import annotations

import pytest

from stentor_engine.full import is_full
from stentor_engine.pytorch import within_memory


@pytest.mark.parametrize(
    "told",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB.",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "MPS backend out of memory (MPS allocated: 9.07 GB)",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
        "CUDA failed with error out of memory",
        "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED",
        "Failed to allocate memory for requested buffer of size 9",
        "Available memory of 8 is smaller than requested bytes of 9",
        "CUDA failure 2: Out of memory",
        "std::bad_alloc",
        "whisper_model_load: failed to allocate memory for the model",
        "whisper_init_state: failed to init encoder allocator",
        "whisper_init_state: whisper_kv_cache_init() failed for self-attention cache",
    ],
)
def test_a_full_device_in_the_words_of_each_library(told: str) -> None:
    assert is_full(RuntimeError(told))


@pytest.mark.parametrize(
    "told",
    [
        "Exiting due to terminate flag being set to true",
        "CUDA error: device-side assert triggered",
        "there is no allocator of that name",
        "invalid model file 'ggml-tiny.bin' (bad magic)",
    ],
)
def test_other_errors(told: str) -> None:
    assert not is_full(RuntimeError(told))


def test_an_error_of_memory_needs_no_words() -> None:
    assert is_full(MemoryError())


def test_other_errors_of_a_computation_are_raised_as_they_are() -> None:
    def fails() -> None:
        raise RuntimeError("Kernel size can't be greater than actual input size")

    with pytest.raises(RuntimeError, match="Kernel size"):
        within_memory(fails)
