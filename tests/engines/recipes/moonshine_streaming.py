"""A tiny Moonshine model of the kinds that stream: its graphs, its tokens and its configuration.

The names and the order of dimensions are those of what Moonshine exports; the sizes, which its
runtime reads from the configuration, are its own. A frame is the loudness of 320 samples. While any
is loud, each token has one successor, so that it says the same of whatever is heard, and nothing of
what is not. One successor has a rival that is nearly as likely.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from onnx import ModelProto, numpy_helper, parser

DEPTH, HEADS, WIDTH = 2, 2, 2
CHANNELS = HEADS * WIDTH
SAMPLES = 320
"""Of a frame."""
BEGIN, END, BYTES = 1, 2, 3
FIRST = BYTES + 256
PIECES = ("▁Known", "▁answers", "▁never", "▁change", ".", "se", "sel", "▁sel", "do", "dom")
"""One that is made of two others comes behind them."""
TOKENS = (
    *(b"<unk>", b"<s>", b"</s>"),
    *(bytes([byte]) for byte in range(256)),
    *(piece.encode() for piece in PIECES),
)
KNOWN, ANSWERS, NEVER, CHANGE, STOP = range(FIRST, FIRST + 5)
SEL, DOM = FIRST + 7, FIRST + 9
SAID = (BEGIN, KNOWN, ANSWERS, NEVER, CHANGE, STOP, END)
RIVAL = (SEL, DOM, CHANGE)
"""After ANSWERS: a word that no token stands for, as Moonshine takes them from a prompt."""
CONFIG = {
    "encoder_dim": CHANNELS,
    "decoder_dim": CHANNELS,
    "depth": DEPTH,
    "nheads": HEADS,
    "head_dim": WIDTH,
    "vocab_size": len(TOKENS),
    "bos_id": BEGIN,
    "eos_id": END,
    "frame_len": 80,
    "total_lookahead": 4,
    "d_model_frontend": CHANNELS,
    "c1": 2 * CHANNELS,
    "c2": CHANNELS,
}

WEIGHTS = "() => (float[320, 4] linear) { linear = Identity(given) }"
FRONTEND = """(
    float[1, n] audio_chunk, float[1, 79] sample_buffer, int64[1] sample_len,
    float[1, 4, 4] conv1_buffer, float[1, 8, 4] conv2_buffer, int64[1] frame_count,
    float[320, 4] linear
) => (
    float[1, f, 4] features, float[1, 79] sample_buffer_out, int64[1] sample_len_out,
    float[1, 4, 4] conv1_buffer_out, float[1, 8, 4] conv2_buffer_out, int64[1] frame_count_out
) {
    shape = Constant <value = int64[3] {1, -1, 320}> ()
    frames = Reshape(audio_chunk, shape)
    loud = Abs(frames)
    features = MatMul(loud, linear)
    sample_buffer_out = Identity(sample_buffer)
    sample_len_out = Identity(sample_len)
    conv1_buffer_out = Identity(conv1_buffer)
    conv2_buffer_out = Identity(conv2_buffer)
    count = Shape <start = 1, end = 2> (features)
    frame_count_out = Add(frame_count, count)
}"""
ENCODER = "(float[1, f, 4] features) => (float[1, f, 4] encoded) { encoded = Identity(features) }"
ADAPTER = """(float[1, f, 4] encoded, int64[1] pos_offset) => (float[1, f, 4] memory) {
    start = Cast <to = 1> (pos_offset)
    nothing = Constant <value = float[1] {0}> ()
    place = Mul(start, nothing)
    memory = Add(encoded, place)
}"""
CROSS_KV = """(float[1, m, 4] memory) => (
    float[2, 1, 2, m, 2] k_cross, float[2, 1, 2, m, 2] v_cross
) {
    shape = Constant <value = int64[4] {1, -1, 2, 2}> ()
    split = Reshape(memory, shape)
    heads = Transpose <perm = [0, 2, 1, 3]> (split)
    axis = Constant <value = int64[1] {0}> ()
    layer = Unsqueeze(heads, axis)
    k_cross = Concat <axis = 0> (layer, layer)
    v_cross = Concat <axis = 0> (layer, layer)
}"""
DECODER = """(
    int64[1, n] token, float[2, 1, 2, c, 2] k_self, float[2, 1, 2, c, 2] v_self,
    float[2, 1, 2, m, 2] out_k_cross, float[2, 1, 2, m, 2] out_v_cross
) => (
    float[1, n, v] logits, float[2, 1, 2, d, 2] out_k_self, float[2, 1, 2, d, 2] out_v_self,
    float[2, 1, 2, m, 2] out_k_cross, float[2, 1, 2, m, 2] out_v_cross OUTPUTS
) {
    following = Gather(scores, token)
    loudest = ReduceMax <keepdims = 0> (out_k_cross)
    least = Constant <value = float {0.001}> ()
    silent = Less(loudest, least)
    over = Cast <to = 1> (silent)
    ending = Mul(over, end)
    logits = Add(following, ending)
    count = Shape <start = 1, end = 2> (token)
    before = Constant <value = int64[3] {2, 1, 2}> ()
    behind = Constant <value = int64[1] {2}> ()
    shape = Concat <axis = 0> (before, count, behind)
    fresh = ConstantOfShape(shape)
    out_k_self = Concat <axis = 3> (k_self, fresh)
    out_v_self = Concat <axis = 3> (v_self, fresh)
    ATTENTION
}"""
OUTPUTS = ", float[1, 2, n, m] cross_attentions_0, float[1, 2, n, m] cross_attentions_1"
ATTENTION = """
    place = Gather(places, token)
    axes = Constant <value = int64[2] {0, 3}> ()
    wanted = Unsqueeze(place, axes)
    frames = Shape <start = 3, end = 4> (out_k_cross)
    first = Constant <value = int64 {0}> ()
    step = Constant <value = int64 {1}> ()
    last = Squeeze(frames)
    numbers = Range(first, last, step)
    parts = Constant <value = int64 {6}> ()
    finer = Mul(numbers, parts)
    part = Div(finer, last)
    met = Equal(wanted, part)
    hit = Cast <to = 1> (met)
    much = Constant <value = float {0.94}> ()
    little = Constant <value = float {0.01}> ()
    more = Mul(hit, much)
    head = Add(more, little)
    cross_attentions_0 = Concat <axis = 1> (head, head)
    cross_attentions_1 = Concat <axis = 1> (head, head)
"""


def graphs(*, attending: bool) -> dict[str, ModelProto]:
    """By the names of their files, without the ending."""
    made = {
        "frontend.weights": graph(
            WEIGHTS, given=np.full((SAMPLES, CHANNELS), 1 / SAMPLES, np.float32)
        ),
        "frontend.model": graph(FRONTEND),
        "encoder": graph(ENCODER),
        "adapter": graph(ADAPTER),
        "cross_kv": graph(CROSS_KV),
        "decoder_kv": decoder(DECODER.replace("OUTPUTS", "").replace("ATTENTION", "")),
    }
    if attending:
        text = DECODER.replace("OUTPUTS", OUTPUTS).replace("ATTENTION", ATTENTION)
        made["decoder_kv_with_attention"] = decoder(text)
    return made


def decoder(text: str) -> ModelProto:
    scores = np.zeros((len(TOKENS), len(TOKENS)), np.float32)
    for token, following in pairwise(SAID):
        scores[token, following] = 10.0
    for token, following in pairwise((ANSWERS, *RIVAL)):
        scores[token, following] = 10.0
    scores[ANSWERS, SEL] = 9.0
    end, places = np.zeros(len(TOKENS), np.float32), np.zeros(len(TOKENS), np.int64)
    end[END] = 100.0
    places[list(SAID)] = range(len(SAID))
    made = graph(text, scores=scores, end=end, places=places)
    for output in made.graph.output:
        output.name = dotted(output.name)
    for node in made.graph.node:
        node.output[:] = [dotted(name) for name in node.output]
    return made


def dotted(name: str) -> str:
    """As it cannot be written above."""
    return name.replace("cross_attentions_", "cross_attentions.")


def graph(text: str, **initial: np.ndarray) -> ModelProto:
    made = parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> tiny {text}')
    used = {name for node in made.graph.node for name in node.input}
    for name, value in initial.items():
        if name in used:
            made.graph.initializer.append(numpy_helper.from_array(value, name))
    return made
