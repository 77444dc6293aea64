"""For engines on ONNX Runtime, which they bring: the SDK imports it only when it is called."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .errors import LoadFailed, OutOfMemory
from .full import is_full
from .stoppable import stoppable

T = TypeVar("T")

_PROVIDERS = {"cpu": "CPU", "cuda": "CUDA", "mps": "CoreML"}
_DRAWING = (b"RandomNormal", b"RandomUniform", b"Multinomial", b"Bernoulli")
"""ONNX's operators that draw numbers; no call can give them a seed."""


class Stop:
    """Ends the running call of a model, which may have several sessions. For one call at a time."""

    def __init__(self) -> None:
        self.options = _run_options()

    def session(self, session: Any) -> StoppableSession:
        """To be put in the place of the model's own."""
        return StoppableSession(session, self)

    def stoppable(self, work: Callable[[], T]) -> Generator[None, None, T]:
        """What `work`, which runs the sessions, returns; they end early when this is closed."""
        self.options = options = _run_options()

        def stop() -> None:
            options.terminate = True

        return stoppable(work, stop)


class StoppableSession:
    """An InferenceSession. Its `run` raises OutOfMemory for ONNX Runtime's own errors of that."""

    def __init__(self, session: Any, stop: Stop) -> None:
        self._session = session
        self._stop = stop

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, Any]) -> Any:
        try:
            return self._session.run(outputs, inputs, self._stop.options)
        except Exception as error:
            if is_full(error):
                raise OutOfMemory(str(error)) from error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def onnx_provider(device: str) -> tuple[str, dict[str, str]]:
    """What computes on the device of `Settings.device`: ONNX Runtime's name, and its options.
    Raises LoadFailed for what this ONNX Runtime does not have.
    """
    import onnxruntime

    return choose_provider(device, onnxruntime.get_available_providers())


def choose_provider(device: str, available: Sequence[str]) -> tuple[str, dict[str, str]]:
    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = "cuda" if "CUDAExecutionProvider" in available else "cpu"
    provider = f"{_PROVIDERS.get(kind, kind)}ExecutionProvider"
    if kind not in _PROVIDERS or provider not in available:
        raise LoadFailed(f"device '{device}' cannot be used: this ONNX Runtime has no {provider}")
    return provider, {"device_id": number} if kind == "cuda" and number else {}


def require_provider(sessions: Iterable[Any], provider: str, device: str) -> None:
    """Raises LoadFailed where the provider did not start: ONNX Runtime goes on without it, and only
    says so.
    """
    if any(provider not in session.get_providers() for session in sessions):
        raise LoadFailed(f"device '{device}' cannot be used: {provider} does not start")


def on_cpu(sessions: Iterable[Any]) -> bool:
    """Nothing else computes. Elsewhere equal calls may differ: CUDA's kernels are chosen by what
    was quickest when they were tried.
    """
    return all(set(session.get_providers()) == {"CPUExecutionProvider"} for session in sessions)


def draws(model: Path) -> bool:
    """The model draws random numbers: its equal calls may differ."""
    data = model.read_bytes()
    return any(operator in data for operator in _DRAWING)


def _run_options() -> Any:
    import onnxruntime

    return onnxruntime.RunOptions()
