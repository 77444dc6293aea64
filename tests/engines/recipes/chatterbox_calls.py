"""Calls engines in this process, as no server can: `python chatterbox_calls.py ENGINES MODELS`.

ENGINES is a file with the engines, MODELS the folder of the recipe. What is printed last is JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stentor_engine import (
    ConversionCall,
    Reference,
    Settings,
    SpeechCall,
    complete_options,
)
from stentor_engine.loader import engine_class
from stentor_engine.references import reference_id, samples_of
from stentor_engine.yielded import s16le


def main(engines: Path, models: Path) -> None:
    speaker = engine_class(engines, "chatterbox")(Settings("cpu", str(models / "base")))
    module = sys.modules[f"stentor_engines_{engines.stem}"]
    turbo = engine_class(engines, "chatterbox-turbo")(Settings("cpu", str(models / "turbo")))
    converter = engine_class(engines, "chatterbox-vc")(Settings("cpu", str(models / "base")))
    facts = {
        "spoken": s16le(spoken(speaker)).hex(),
        "exaggeration": exaggeration(speaker),
        "turbo": {n: len(spoken(turbo, text="W" * (n - 1) + ".")) for n in (2, 61, 300)},
        **memory(speaker, module),
        **conversion(converter, module),
        "hooks": hooks(
            engine_class(engines, "chatterbox-multilingual")(
                Settings("cpu", str(models / "multilingual"))
            )
        ),
    }
    print(json.dumps(facts))  # noqa: T201


def call(engine: Any, **more: Any) -> SpeechCall:
    options = complete_options(engine.capabilities.options, more.pop("options", {}))
    return SpeechCall(more.pop("text", "Hello there."), options=options, **{"seed": 7} | more)


def spoken(engine: Any, **more: Any) -> np.ndarray:
    return audio(engine.synthesize(call(engine, **more)))


def audio(pieces: Iterable[np.ndarray | None]) -> np.ndarray:
    (samples,) = (piece for piece in pieces if piece is not None)
    return samples


def recording(module: ModuleType, seconds: float, pitch: float) -> Reference:
    pcm = s16le(module.recipe.hum(seconds, pitch))
    return Reference(reference_id(pcm), samples_of(pcm))


def exaggeration(engine: Any) -> list[float]:
    """What the model itself was given, for three calls."""
    heard = []
    layer = engine._model.t3.cond_enc.emotion_adv_fc
    hook = layer.register_forward_pre_hook(lambda layer, given: heard.append(float(given[0])))
    for value in (0.5, 1.5, 0.0):
        spoken(engine, options={"exaggeration": value})
    hook.remove()
    return [round(value, 3) for value in heard]


def memory(engine: Any, module: ModuleType) -> dict[str, object]:
    """A layer that finds no memory, as CUDA tells that and as a CPU does; then all is well."""
    torch = module.engine.torch
    told = {}
    for device, error in (
        ("cuda", torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
        ("cpu", RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")),
        ("neither", RuntimeError("Expected all tensors to be on the same device")),
    ):

        def fail(layer: Any, given: Any, error: Exception = error) -> None:
            raise error

        hook = engine._model.s3gen.flow.encoder.register_forward_pre_hook(fail)
        told[device] = raised(lambda: spoken(engine))
        hook.remove()
    return {"memory": told, "after": bool(spoken(engine).any())}


def raised(work: Callable[[], object]) -> str:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return type(error).__name__
    return ""


def conversion(converter: Any, module: ModuleType) -> dict[str, object]:
    said = recording(module, 2.0, 130.0).samples
    low, high = recording(module, 3.0, 110.0), recording(module, 3.0, 220.0)
    takes = [
        audio(converter.convert(ConversionCall(said, reference=each, seed=seed)))
        for each, seed in ((None, 0), (low, 0), (high, 0), (low, 0), (low, 1))
    ]
    longer = recording(module, 20.0, 130.0).samples
    pieces = converter.convert(ConversionCall(longer, reference=low))
    first = next(pieces)
    pieces.close()
    return {
        "lengths": [len(take) for take in takes],
        "equal": [[bool(np.array_equal(a, b)) for a in takes] for b in takes],
        "stopped": first is None,
        "threads": [each.name for each in threading.enumerate() if each.name == "engine-callback"],
    }


def hooks(engine: Any) -> list[int]:
    """On the layers that the multilingual model looks at, after a call that went well and one that
    did not."""
    layers = engine._model.t3.tfmr.layers
    spoken(engine, language="de")
    counts = [sum(len(layer.self_attn._forward_hooks) for layer in layers)]
    pieces = engine.synthesize(call(engine, language="de"))
    next(pieces)
    pieces.close()
    return [*counts, sum(len(layer.self_attn._forward_hooks) for layer in layers)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
