"""Tiny Piper voices with a known answer, into the folder of argv[1].

An id lasts 2 frames of 256 samples at speed 1; the sound is a sine of 200 Hz, at a speaker's own
level. `en_GB-alan-low` has another rate, `en_US-libritts-high` has three speakers, and
`de_DE-noisy-medium` adds a noise too low to hear. `slow/en_US-slow-medium` computes for minutes,
and `pinyin/zh_CN-xiao_ya-medium` is read by other means than espeak-ng.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, save
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

FRAME, PITCH = 256, 200.0
ESPEAK = {"de_DE": "de", "en_GB": "en-gb-x-rp", "en_US": "en-us", "zh_CN": "cmn"}
LEVELS = (0.5, 0.25, 0.125)
"""Of the speakers, in order."""


def main(folder: Path) -> None:
    write(folder, "en_US-lessac-medium", 22_050)
    write(folder, "en_GB-alan-low", 16_000)
    write(folder, "en_US-libritts-high", 22_050, speakers=("p1", "p2", "p3"))
    write(folder / "noisy", "de_DE-noisy-medium", 22_050, noise=True)
    write(folder / "slow", "en_US-slow-medium", 22_050, steps=2_000)
    write(folder / "pinyin", "zh_CN-xiao_ya-medium", 22_050, phonemes="pinyin")


def write(
    folder: Path,
    name: str,
    rate: int,
    *,
    speakers: tuple[str, ...] = (),
    noise: bool = False,
    steps: int = 0,
    phonemes: str = "espeak",
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = graph(rate, several=bool(speakers), noise=noise, steps=steps)
    checker.check_model(model)
    save(model, folder / f"{name}.onnx")
    code = name.partition("-")[0]
    config = {
        "audio": {"sample_rate": rate, "quality": name.rpartition("-")[2]},
        "espeak": {"voice": ESPEAK[code]},
        "language": {"code": code},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": phonemes,
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {speaker: number for number, speaker in enumerate(speakers)},
    }
    (folder / f"{name}.onnx.json").write_text(json.dumps(config))


def graph(rate: int, *, several: bool, noise: bool, steps: int) -> ModelProto:
    constants = {
        "frame": np.array(FRAME, np.float32),
        "step": np.array(2 * np.pi * PITCH / rate, np.float32),
        "levels": np.array(LEVELS, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "two": np.array(2, np.float32),
        "second": np.array([1], np.int64),
        "shape": np.array([1, 1, 1, -1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["scales", "second"], ["scale"]),
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["ids", "zero"], ["none"]),
        helper.make_node("Add", ["none", "two"], ["each"]),
        helper.make_node("Mul", ["each", "scale"], ["widths"]),
        # Piper finds the lengths of phonemes as the only Ceil of a model.
        helper.make_node("Ceil", ["widths"], ["w_ceil"]),
        helper.make_node("Mul", ["w_ceil", "frame"], ["lengths"]),
        helper.make_node("ReduceSum", ["lengths"], ["length"], keepdims=0),
        helper.make_node("Range", ["zero", "length", "one"], ["samples"]),
        helper.make_node("Mul", ["samples", "step"], ["phases"]),
        helper.make_node("Sin", ["phases"], ["sines"]),
        helper.make_node("Gather", ["levels", "sid" if several else "first"], ["level"]),
        helper.make_node("Mul", ["sines", "level"], ["flat0"]),
    ]
    flat = "flat0"
    if not several:
        constants["first"] = np.array([0], np.int64)
    if noise:
        constants["small"] = np.array(1e-3, np.float32)
        nodes += [
            helper.make_node("RandomNormalLike", [flat], ["noise"]),
            helper.make_node("Mul", ["noise", "small"], ["quiet"]),
            helper.make_node("Add", [flat, "quiet"], ["flat1"]),
        ]
        flat = "flat1"
    if steps:
        constants["size"] = np.array([1_000, 1_000], np.int64)
        constants["tiny"] = np.array(1e-9, np.float32)
        nodes.append(helper.make_node("Expand", ["scale", "size"], ["m0"]))
        for n in range(steps):
            nodes += [
                helper.make_node("MatMul", [f"m{n}", "m0"], [f"p{n}"]),
                helper.make_node("Mul", [f"p{n}", "tiny"], [f"m{n + 1}"]),
            ]
        nodes += [
            helper.make_node("ReduceMax", [f"m{steps}"], ["rest"], keepdims=0),
            helper.make_node("Mul", ["rest", "tiny"], ["nothing"]),
            helper.make_node("Add", [flat, "nothing"], ["flat2"]),
        ]
        flat = "flat2"
    nodes.append(helper.make_node("Reshape", [flat, "shape"], ["output"]))
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["b", "p"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["b"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if several:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["b"]))
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["b", 1, 1, "t"])]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "piper", inputs, outputs, weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
