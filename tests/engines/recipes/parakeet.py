# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "onnx==1.23.2"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Tiny models of onnx-asr's kinds with a known answer, into the folder of argv[1].

A low tone of 1.28 s is heard as "Low note.", a high one as "High one?": each token lasts four
frames of 80 ms. Silence is heard as nothing.

`tdt` and `rnnt` are transducers, of which a frame's loudness low and high and the token before
choose the next token; `int8` is the first of them under its quantised names, `english` knows only
English letters, `huge` asks for terabytes for more than 4 s, and `slow` computes for minutes. `ctc`
hears "low" and "high". `canary` says "Words." or "Worte.", by the language that it is asked for.
`half` lacks its decoder.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper, save

MELS, LOW, HIGH = 128, (4, 40), (80, 124)
"""Features, and those of them that a low and a high tone raise."""
STRIDE = 8
STEPS = 5
"""A token lasts none to four frames."""
STATE = 4
TEXT = ("▁Lo", "w", "▁note", ".", "▁Hi", "gh", "▁one", "?")
FOREIGN = ("▁при", "▁καλά", "▁Stra", "ße")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
SPECIAL = ("<unk>", "<|nospeech|>", "<|en|>", "<|de|>")
BLANK = "<blk>"
CANARY = (
    *("▁", "<|startofcontext|>", "<|startoftranscript|>", "<|emo:undefined|>", "<|en|>", "<|de|>"),
    *("<|pnc|>", "<|noitn|>", "<|notimestamp|>", "<|nodiarize|>", "<|endoftext|>"),
    *("▁Words", "▁Worte", ".", "▁и", "▁α"),
)
"""The package looks for a space by itself, written as sentence pieces do."""
FLOAT, INT, INT32 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32
Value = tuple[str, int, Sequence[int | str]]
"""Name, type and shape of what goes in or comes out."""
SIGNAL: list[Value] = [("audio_signal", FLOAT, ["b", MELS, "t"]), ("length", INT, ["b"])]


def main(folder: Path) -> None:
    many = [*SPECIAL, *TEXT, *FOREIGN, *LETTERS, BLANK]
    transducer(folder / "tdt", many, steps=STEPS)
    transducer(folder / "int8", many, steps=STEPS, precision=".int8")
    transducer(folder / "rnnt", many, steps=0)
    transducer(folder / "english", [*TEXT, *LETTERS, BLANK], steps=STEPS)
    transducer(folder / "huge", many, steps=STEPS, frames=400)
    transducer(folder / "slow", many, steps=STEPS, rounds=2_000)
    transducer(folder / "half", many, steps=STEPS)
    (folder / "half" / "decoder_joint-model.onnx").unlink()
    transducer(folder / "odd", many, steps=STEPS)
    (folder / "odd" / "encoder-model.onnx").write_bytes(b"no model")
    ctc(folder / "ctc")
    canary(folder / "canary")


def write(folder: Path, kind: str, vocabulary: list[str], models: dict[str, ModelProto]) -> None:
    folder.mkdir(parents=True)
    config = {"model_type": kind, "features_size": MELS, "subsampling_factor": STRIDE}
    (folder / "config.json").write_text(json.dumps(config))
    lines = "".join(f"{token} {number}\n" for number, token in enumerate(vocabulary))
    (folder / "vocab.txt").write_text(lines, "utf-8")
    for name, model in models.items():
        checker.check_model(model)
        save(model, folder / name)


def transducer(
    folder: Path,
    vocabulary: list[str],
    *,
    steps: int,
    precision: str = "",
    frames: int = 0,
    rounds: int = 0,
) -> None:
    models = {
        f"encoder-model{precision}.onnx": encoder(frames=frames, rounds=rounds),
        f"decoder_joint-model{precision}.onnx": decoder(chosen(vocabulary, steps)),
    }
    write(folder, "nemo-conformer-tdt" if steps else "nemo-conformer-rnnt", vocabulary, models)


def chosen(vocabulary: list[str], steps: int) -> np.ndarray:
    """By the token before: scores as they are, and what a low and a high frame add to them. Shape
    (vocabulary, 3, vocabulary and steps)."""
    ids = {token: number for number, token in enumerate(vocabulary)}
    size = len(vocabulary)
    scores = np.zeros((size, 3, size + steps), np.float32)
    scores[:, 0, ids[BLANK]] = 10.0
    for chain in (TEXT[:4], TEXT[4:]):
        for before, after in pairwise(chain):
            scores[ids[before], 0, ids[after]] = 20.0
    # Without durations the same tone must not be heard again in its next frame.
    for before in (BLANK, TEXT[7], *([TEXT[3]] if steps else [])):
        scores[ids[before], 1, ids[TEXT[0]]] = 20.0
    for before in (BLANK, TEXT[3], *([TEXT[7]] if steps else [])):
        scores[ids[before], 2, ids[TEXT[4]]] = 20.0
    if steps:
        lasting = [ids[token] for token in TEXT if token not in (".", "?")]
        scores[:, 0, size + 1] = 1.0
        scores[lasting, 0, size + 4] = 2.0
        # The first token of a chain, too: it is chosen by the frame.
        for before in (BLANK, TEXT[3], TEXT[7]):
            scores[ids[before], 1:, size + 4] = 20.0
    return scores


def bands() -> tuple[list[NodeProto], dict[str, np.ndarray]]:
    """`frames`: how loud each eighth frame is low and high, (batch, 2, frames)."""
    constants = {
        "low_from": np.array([LOW[0]], np.int64),
        "low_to": np.array([LOW[1]], np.int64),
        "high_from": np.array([HIGH[0]], np.int64),
        "high_to": np.array([HIGH[1]], np.int64),
        "mels": np.array([1], np.int64),
        "time": np.array([2], np.int64),
        "first": np.array([0], np.int64),
        "last": np.array([np.iinfo(np.int64).max], np.int64),
        "stride": np.array([STRIDE], np.int64),
        "rest": np.array([STRIDE - 1], np.int64),
    }
    nodes = [
        helper.make_node("Slice", ["audio_signal", "low_from", "low_to", "mels"], ["lows"]),
        helper.make_node("Slice", ["audio_signal", "high_from", "high_to", "mels"], ["highs"]),
        helper.make_node("ReduceMean", ["lows"], ["low"], axes=[1]),
        helper.make_node("ReduceMean", ["highs"], ["high"], axes=[1]),
        helper.make_node("Concat", ["low", "high"], ["both"], axis=1),
        helper.make_node("Slice", ["both", "first", "last", "time", "stride"], ["frames"]),
        helper.make_node("Add", ["length", "rest"], ["more"]),
        helper.make_node("Div", ["more", "stride"], ["lengths"]),
    ]
    return nodes, constants


def encoder(*, frames: int, rounds: int) -> ModelProto:
    """Asks for terabytes beyond so many frames; multiplies so often."""
    nodes, constants = bands()
    out = "frames"
    if frames:
        constants["most"] = np.array([frames], np.int64)
        constants["terabytes"] = np.array([2**42], np.int64)
        constants["none"] = np.array([0], np.int64)
        nodes += [
            helper.make_node("Sub", ["length", "most"], ["over"]),
            helper.make_node("Max", ["over", "none"], ["beyond"]),
            helper.make_node("Mul", ["beyond", "terabytes"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", [out, "zero"], ["used"]),
        ]
        out = "used"
    if rounds:
        constants["square"] = np.array([1_000, 1_000], np.int64)
        constants["small"] = np.array(1e-9, np.float32)
        nodes.append(helper.make_node("Expand", ["small", "square"], ["m0"]))
        for n in range(rounds):
            nodes.append(helper.make_node("MatMul", [f"m{n}", "length_square"], [f"m{n + 1}"]))
        # Of the input, or it would be computed when the model is loaded.
        nodes[-rounds:-rounds] = [
            helper.make_node("Cast", ["length"], ["length_float"], to=FLOAT),
            helper.make_node("Expand", ["length_float", "square"], ["length_large"]),
            helper.make_node("Mul", ["length_large", "small"], ["length_square"]),
        ]
        nodes += [
            helper.make_node("ReduceMax", [f"m{rounds}"], ["most_of_it"], keepdims=0),
            helper.make_node("Mul", ["most_of_it", "small"], ["nothing"]),
            helper.make_node("Add", [out, "nothing"], ["slowly"]),
        ]
        out = "slowly"
    nodes += [
        helper.make_node("Identity", [out], ["outputs"]),
        helper.make_node("Identity", ["lengths"], ["encoded_lengths"]),
    ]
    outputs: list[Value] = [("outputs", FLOAT, ["b", 2, "f"]), ("encoded_lengths", INT, ["b"])]
    return model(nodes, constants, SIGNAL, outputs)


def decoder(scores: np.ndarray) -> ModelProto:
    constants = {
        "scores": scores,
        "one": np.ones((1, 1), np.float32),
        "row": np.array([1, 2], np.int64),
        "flat": np.array([-1], np.int64),
        "ends": np.array([1, 1, 1, -1], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["encoder_outputs", "row"], ["frame"]),
        helper.make_node("Concat", ["one", "frame"], ["known"], axis=1),
        helper.make_node("Reshape", ["targets", "flat"], ["before"]),
        helper.make_node("Gather", ["scores", "before"], ["choice"]),
        helper.make_node("MatMul", ["known", "choice"], ["row_of_scores"]),
        helper.make_node("Reshape", ["row_of_scores", "ends"], ["outputs"]),
        helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
        helper.make_node("Identity", ["input_states_1"], ["output_states_1"]),
        helper.make_node("Identity", ["input_states_2"], ["output_states_2"]),
    ]
    state: list[int | str] = [1, "b", STATE]
    inputs: list[Value] = [
        ("encoder_outputs", FLOAT, ["b", 2, 1]),
        ("targets", INT32, ["b", 1]),
        ("target_length", INT32, ["b"]),
        ("input_states_1", FLOAT, state),
        ("input_states_2", FLOAT, state),
    ]
    outputs: list[Value] = [
        ("outputs", FLOAT, ["b", 1, 1, scores.shape[2]]),
        ("prednet_lengths", INT32, ["b"]),
        ("output_states_1", FLOAT, state),
        ("output_states_2", FLOAT, state),
    ]
    return model(nodes, constants, inputs, outputs)


def ctc(folder: Path) -> None:
    vocabulary = ["▁low", "▁high", "<unk>", *LETTERS, BLANK]
    weights = np.zeros((2, len(vocabulary)), np.float32)
    weights[0, 0] = weights[1, 1] = 20.0
    bias = np.zeros(len(vocabulary), np.float32)
    bias[-1] = 10.0
    nodes, constants = bands()
    nodes += [
        helper.make_node("Transpose", ["frames"], ["rows"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["rows", "weights"], ["raised"]),
        helper.make_node("Add", ["raised", "bias"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["logprobs"], axis=-1),
    ]
    constants |= {"weights": weights, "bias": bias}
    outputs: list[Value] = [("logprobs", FLOAT, ["b", "f", len(vocabulary)])]
    made = model(nodes, constants, SIGNAL, outputs)
    write(folder, "nemo-conformer-ctc", vocabulary, {"model.onnx": made})


def canary(folder: Path) -> None:
    """The decoder's first pass is over ten tokens, of which the sixth names the language."""
    ids = {token: number for number, token in enumerate(CANARY)}
    scores = np.zeros((len(CANARY), len(CANARY)), np.float32)
    for chain in (("<|en|>", "▁Words", "."), ("<|de|>", "▁Worte", "."), (".", "<|endoftext|>")):
        for before, after in pairwise(chain):
            scores[ids[before], ids[after]] = 10.0
    nodes, constants = bands()
    nodes += [
        helper.make_node("Transpose", ["frames"], ["encoder_embeddings"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["encoder_embeddings"], ["means"], axes=[2], keepdims=0),
        helper.make_node("Cast", ["means"], ["whole"], to=INT),
        helper.make_node("Mul", ["whole", "first"], ["nil"]),
        helper.make_node("Add", ["nil", "mels"], ["encoder_mask"]),
    ]
    outputs: list[Value] = [
        ("encoder_embeddings", FLOAT, ["b", "f", 2]),
        ("encoder_mask", INT, ["b", "f"]),
    ]
    hearing = model(nodes, constants, SIGNAL, outputs)
    constants = {
        "scores": scores,
        "fifth": np.array([5], np.int64),
        "one": np.array([1], np.int64),
        "second": np.array([1], np.int64),
        "memory": np.array([1, 1, 1, STATE], np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["input_ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "second"], ["length"]),
        helper.make_node("Sub", ["length", "one"], ["last"]),
        helper.make_node("Min", ["last", "fifth"], ["place"]),
        helper.make_node("Gather", ["input_ids", "place"], ["telling"], axis=1),
        helper.make_node("Gather", ["scores", "telling"], ["logits"]),
        helper.make_node("ConstantOfShape", ["memory"], ["decoder_hidden_states"]),
    ]
    inputs: list[Value] = [
        ("input_ids", INT, ["b", "n"]),
        ("encoder_embeddings", FLOAT, ["b", "f", 2]),
        ("encoder_mask", INT, ["b", "f"]),
        ("decoder_mems", FLOAT, [1, "b", "m", STATE]),
    ]
    outputs = [
        ("logits", FLOAT, ["b", "k", len(CANARY)]),
        ("decoder_hidden_states", FLOAT, [1, "b", "k", STATE]),
    ]
    saying = model(nodes, constants, inputs, outputs)
    parts = {"encoder-model.onnx": hearing, "decoder-model.onnx": saying}
    write(folder, "nemo-conformer-aed", list(CANARY), parts)


def model(
    nodes: list[NodeProto],
    constants: dict[str, np.ndarray],
    inputs: list[Value],
    outputs: list[Value],
) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
