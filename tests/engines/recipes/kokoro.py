# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "onnx==1.23.2"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Tiny Kokoro models with a known answer, into the folder of argv[1].

A token lasts 4 frames of 600 samples at speed 1, each of the two pads 2, a space or a mark 8. It is
a sine, except for spaces and marks, which are silent. A voice is an amplitude and a pitch: its
style's first two numbers. `untimed` has no `duration`, `random` adds a noise too low to hear, and
`slow` computes for minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, save

RATE, FRAME = 24_000, 600
VOICES = {
    "af_bella": (0.2, 400.0),
    "af_heart": (0.4, 200.0),
    "af_sky": (0.5, 400.0),
    "am_adam": (0.3, 100.0),
    "bf_emma": (0.3, 300.0),
    "ef_dora": (0.3, 300.0),
    "ff_siwis": (0.3, 600.0),
    "hf_alpha": (0.3, 300.0),
    "if_sara": (0.3, 300.0),
    "jf_alpha": (0.3, 300.0),
    "pf_dora": (0.3, 300.0),
    "zf_xiaobei": (0.3, 300.0),
}
SILENT = (1, 2, 3, 4, 5, 6, 9, 10, 16)
"""Tokens of the marks ; : , . ! ? and — … and of the space."""


def main(folder: Path) -> None:
    write(folder, graph(("duration",)))
    write(folder / "untimed", graph(()))
    write(folder / "random", graph(("duration",), noise=True))
    write(folder / "slow", graph((), steps=2_000))


def write(folder: Path, model: ModelProto) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    checker.check_model(model)
    save(model, folder / "kokoro-v1.0.onnx")
    styles = {name: style(*values) for name, values in VOICES.items()}
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **styles)  # type: ignore[arg-type]  # no voice is named allow_pickle


def style(amplitude: float, pitch: float) -> np.ndarray:
    voice = np.zeros((510, 1, 256), np.float32)
    voice[..., 0], voice[..., 1] = amplitude, pitch
    return voice


def graph(more: Sequence[str], *, noise: bool = False, steps: int = 0) -> ModelProto:
    frames, loud = np.full(256, 4.0, np.float32), np.ones(256, np.float32)
    frames[list(SILENT)], frames[0] = 8.0, 2.0
    loud[list(SILENT)] = 0.0
    constants = {
        "frames": frames,
        "loud": loud,
        "frame": np.array(FRAME, np.int64),
        "step": np.array(2 * np.pi / RATE, np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "first": np.array([0], np.int64),
        "second": np.array([1], np.int64),
        "flat": np.array([-1], np.int64),
        "column": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["tokens", "flat"], ["ids"]),
        helper.make_node("Gather", ["frames", "ids"], ["base"]),
        helper.make_node("Div", ["base", "speed"], ["exact"]),
        helper.make_node("Ceil", ["exact"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["duration"], to=TensorProto.INT64),
        # A frame belongs to the token before whose end it comes: a count of the ends behind it.
        helper.make_node("CumSum", ["duration", "zero"], ["ends"]),
        helper.make_node("ReduceSum", ["duration"], ["count"], keepdims=0),
        helper.make_node("Range", ["zero", "count", "one"], ["numbers"]),
        helper.make_node("Unsqueeze", ["numbers", "column"], ["rows"]),
        helper.make_node("GreaterOrEqual", ["rows", "ends"], ["behind"]),
        helper.make_node("Cast", ["behind"], ["counted"], to=TensorProto.INT64),
        helper.make_node("ReduceSum", ["counted", "column"], ["spoken"], keepdims=0),
        helper.make_node("Mul", ["count", "frame"], ["length"]),
        helper.make_node("Range", ["zero", "length", "one"], ["samples"]),
        helper.make_node("Div", ["samples", "frame"], ["place"]),
        helper.make_node("Gather", ["spoken", "place"], ["token"]),
        helper.make_node("Gather", ["ids", "token"], ["id"]),
        helper.make_node("Gather", ["loud", "id"], ["gate"]),
        helper.make_node("Gather", ["style", "first"], ["amplitude"], axis=1),
        helper.make_node("Gather", ["style", "second"], ["pitch"], axis=1),
        helper.make_node("Cast", ["samples"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["times", "step"], ["angles"]),
        helper.make_node("Mul", ["angles", "pitch"], ["phases"]),
        helper.make_node("Sin", ["phases"], ["sines"]),
        helper.make_node("Mul", ["sines", "gate"], ["gated"]),
        helper.make_node("Mul", ["gated", "amplitude"], ["audio0"]),
    ]
    audio = "audio0"
    if noise or steps:
        constants["small"] = np.array(1e-9, np.float32)
    if noise:
        nodes += [
            helper.make_node("RandomNormalLike", [audio], ["noise"]),
            helper.make_node("Mul", ["noise", "small"], ["quiet"]),
            helper.make_node("Add", [audio, "quiet"], ["audio1"]),
        ]
        audio = "audio1"
    if steps:
        constants["size"] = np.array([1_000, 1_000], np.int64)
        nodes.append(helper.make_node("Expand", ["speed", "size"], ["m0"]))
        for n in range(steps):
            nodes += [
                helper.make_node("MatMul", [f"m{n}", "m0"], [f"p{n}"]),
                helper.make_node("Mul", [f"p{n}", "small"], [f"m{n + 1}"]),
            ]
        nodes += [
            helper.make_node("ReduceMax", [f"m{steps}"], ["rest"], keepdims=0),
            helper.make_node("Mul", ["rest", "small"], ["nothing"]),
            helper.make_node("Add", [audio, "nothing"], ["audio2"]),
        ]
        audio = "audio2"
    nodes.append(helper.make_node("Identity", [audio], ["audio"]))
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    outputs = [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, "t"])]
    outputs += [helper.make_tensor_value_info(name, TensorProto.INT64, ["n"]) for name in more]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "kokoro", inputs, outputs, weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
