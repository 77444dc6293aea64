# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "onnx==1.23.2", "onnxruntime==1.23.2"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Tiny Moonshine models with a known answer, into the folder of argv[1].

`tiny` is of Moonshine's kind of that name, with the sizes that its runtime expects: its decoder
gives each token the next one, whatever is heard. `words` also tells where
it attends: each token one frame further. `slow` computes for minutes. `half` lacks its decoder,
`odd` has none that can be read, and `bare` only has a streaming model's configuration. `streaming`
is whole, see moonshine_streaming.py; `streaming-words` also tells where it attends.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as rt
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper, save

LAYERS, HEADS, WIDTH = 6, 8, 36
"""Of Moonshine's tiny kind."""
FRAMES = 6
SIZE, SQUARES = 2048, 8
"""Of the matrices by which `slow` takes its time, and how many it makes of each line."""
TOKENS = ("<unk>", "<s>", "</s>", "▁Known", "▁answers", "▁never", "▁change", ".")
"""The runtime starts with the second one, and ends with the third."""
SAID = (1, 3, 4, 5, 6, 7, 2)
CACHE = [
    f"{layer}.{half}.{part}"
    for layer in range(LAYERS)
    for half in ("decoder", "encoder")
    for part in ("key", "value")
]
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def main(folder: Path) -> None:
    for name in ("tiny", "half", "odd"):
        write(folder / name)
    write(folder / "words")
    convert(decoder(attending=True), folder / "words" / "decoder_with_attention.ort")
    write(folder / "slow")
    convert(encoder(slow=True), folder / "slow" / "encoder_model.ort")
    for name in ("streaming", "streaming-words"):
        write_streaming(folder / name, attending=name == "streaming-words")
    (folder / "half" / "decoder_model_merged.ort").unlink()
    (folder / "odd" / "decoder_model_merged.ort").write_bytes(b"no model")
    (folder / "bare").mkdir()
    (folder / "bare" / "streaming_config.json").write_text("{}")


def write(folder: Path) -> None:
    folder.mkdir(parents=True)
    convert(encoder(), folder / "encoder_model.ort")
    convert(decoder(), folder / "decoder_model_merged.ort")
    write_tokens(folder, [token.encode() for token in TOKENS])


def write_streaming(folder: Path, *, attending: bool) -> None:
    folder.mkdir()
    streaming = beside("moonshine_streaming")
    for name, graph in streaming.graphs(attending=attending).items():
        convert(graph, folder / f"{name}.ort")
    write_tokens(folder, streaming.TOKENS)
    (folder / "streaming_config.json").write_text(json.dumps(streaming.CONFIG, indent=2))


def beside(name: str) -> Any:
    """A module of this folder, which is not among those that are imported from."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_tokens(folder: Path, tokens: Sequence[bytes]) -> None:
    data = b"".join(bytes([len(each)]) + each for each in tokens)
    (folder / "tokenizer.bin").write_bytes(data)


def convert(model: ModelProto, file: Path) -> None:
    """In ONNX Runtime's own format, which is all that Moonshine's runtime reads."""
    checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        save(model, source)
        options = rt.SessionOptions()
        options.graph_optimization_level = rt.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.save_model_format", "ORT")
        options.optimized_model_filepath = str(file)
        rt.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def encoder(*, slow: bool = False) -> ModelProto:
    """Six frames, whatever is heard."""
    nodes = [
        helper.make_node("ReduceMean", ["input_values"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["none"]),
        *(burning("none", "burnt") if slow else ()),
        helper.make_node("Add", ["burnt" if slow else "none", "frames"], ["last_hidden_state"]),
    ]
    frames = np.zeros((1, FRAMES, HEADS * WIDTH), np.float32)
    constants = {"frames": frames, "nothing": np.zeros(1, np.float32)}
    if slow:
        constants["size"] = np.array([SIZE, SIZE])
    inputs = [helper.make_tensor_value_info("input_values", FLOAT, ["b", "n"])]
    outputs = [helper.make_tensor_value_info("last_hidden_state", FLOAT, list(frames.shape))]
    return model(nodes, constants, inputs, outputs)


def burning(nothing: str, burnt: str) -> list[NodeProto]:
    """Multiplies a matrix that is its own square, for a while; what comes of it is nothing, too."""
    even = helper.make_tensor("even", FLOAT, [1], [1 / SIZE])
    names = [f"square {n}" for n in range(SQUARES)]
    return [
        helper.make_node("ConstantOfShape", ["size"], ["matrix"], value=even),
        helper.make_node("Add", ["matrix", nothing], names[:1]),
        *(helper.make_node("MatMul", [a, a], [b]) for a, b in pairwise(names)),
        helper.make_node("ReduceMean", names[-1:], ["left"], keepdims=0),
        helper.make_node("Mul", ["left", nothing], [burnt]),
    ]


def decoder(*, attending: bool = False) -> ModelProto:
    scores = np.zeros((len(TOKENS), len(TOKENS)), np.float32)
    for token, following in pairwise(SAID):
        scores[token, following] = 10.0
    nodes = [
        helper.make_node("Gather", ["scores", "input_ids"], ["logits"]),
        *(helper.make_node("Identity", [f"past_key_values.{c}"], [f"present.{c}"]) for c in CACHE),
    ]
    shape = [1, HEADS, "p", WIDTH]
    value = helper.make_tensor_value_info
    inputs = [
        value("input_ids", INT, [1, "n"]),
        value("encoder_hidden_states", FLOAT, [1, "f", HEADS * WIDTH]),
        *(value(f"past_key_values.{each}", FLOAT, shape) for each in CACHE),
        value("use_cache_branch", BOOL, [1]),
    ]
    outputs = [
        value("logits", FLOAT, [1, "n", len(TOKENS)]),
        *(value(f"present.{each}", FLOAT, shape) for each in CACHE),
    ]
    constants = {"scores": scores}
    if attending:
        names = [f"cross_attentions.{layer}" for layer in range(LAYERS)]
        constants["attention"] = attention()
        nodes.append(helper.make_node("Gather", ["attention", "input_ids"], ["rows"]))
        nodes.append(helper.make_node("Transpose", ["rows"], ["heads"], perm=[0, 2, 1, 3]))
        nodes += [helper.make_node("Identity", ["heads"], [name]) for name in names]
        outputs += [value(name, FLOAT, [1, HEADS, "n", FRAMES]) for name in names]
    return model(nodes, constants, inputs, outputs)


def attention() -> np.ndarray:
    """Of each token, (tokens, heads, frames): nearly all of it to one frame."""
    weights = np.full((len(TOKENS), HEADS, FRAMES), 0.01, np.float32)
    for place, token in enumerate(SAID[:-1]):
        weights[token, :, place] = 0.95
    return weights


def model(
    nodes: list[NodeProto],
    constants: dict[str, np.ndarray],
    inputs: list[object],
    outputs: list[object],
) -> ModelProto:
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initial)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
