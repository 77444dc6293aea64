"""Whisper models whose answer is known, in CTranslate2's layout: `python faster_whisper.py FOLDER
[LAYERS]`.

Writes FOLDER/multilingual, FOLDER/english and FOLDER/turbo, with so many layers of the encoder (1):
they cost what true ones of their width do. Every token has one successor, whatever
is heard: attention adds nothing, and the projection maps each token of a chain to the next one. The
last layer's first cross-attention head looks ahead 0.2 s for each token, for the times of words.

The vocabularies have Whisper's size and its special tokens in their places. Of the text only the
bytes and the words of the answers are real; fillers stand for the rest.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import ctranslate2.specs
import numpy as np
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

HEARD = (" Known", " answers", " never", " change", ".")
TRANSLATED = (" Other", " words", " follow", ".")

WIDTH = 128
"""Half for tokens, half for positions."""
HALF = WIDTH // 2
FRAMES = 1500
"""Of the encoder, 50 a second."""
STEP = 10
"""Frames from one token to the next."""
POSITIONS = 448
TIMES = 1501
MULTILINGUAL, ENGLISH = 50_257, 50_256
"""Tokens of text."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    name: str
    ranks: int
    """Tokens of text."""
    mels: int
    languages: tuple[str, ...]
    multilingual: bool


# In Whisper's order.
CODES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur
hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si
km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha
ba jw su
"""
LANGUAGES = tuple(CODES.split())
KINDS = (
    Kind("multilingual", MULTILINGUAL, 80, LANGUAGES, True),
    Kind("english", ENGLISH, 80, LANGUAGES, False),
    Kind("turbo", MULTILINGUAL, 128, (*LANGUAGES, "yue"), True),
)


def main(folder: Path, layers: int = 1) -> None:
    for kind in KINDS:
        write(folder / kind.name, kind, layers)


def write(folder: Path, kind: Kind, layers: int) -> None:
    folder.mkdir(parents=True)
    text, merges = text_tokens(kind.ranks)
    vocabulary = [*text, *special_tokens(kind.languages)]
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer(text, merges, vocabulary[len(text) :]).save(str(folder / "tokenizer.json"))
    spec = model(ids, kind, layers)
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    features = {
        "feature_size": kind.mels,
        "sampling_rate": 16_000,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(features))


def text_tokens(ranks: int) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens in their order, and what makes words of bytes."""
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = []
    # Of the signs that are never heard, the first bytes with a space before are one token.
    for word in (*(pieces(word) for word in (*HEARD, *TRANSLATED)), "Ġâ"):
        for end in range(1, len(word)):
            if word[: end + 1] not in tokens:
                merges.append((word[:end], word[end]))
                tokens.append(word[: end + 1])
    fillers = (f"<filler {number}>" for number in range(ranks - len(tokens) - 1))
    # The package takes a model for multilingual when it has the empty token.
    return [*tokens, *fillers, "" if ranks == MULTILINGUAL else "<filler>"], merges


def pieces(word: str) -> str:
    """As byte-level tokens write it."""
    return word.replace(" ", "Ġ")


def special_tokens(languages: tuple[str, ...]) -> list[str]:
    return [
        *("<|endoftext|>", "<|startoftranscript|>"),
        *(f"<|{language}|>" for language in languages),
        *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"),
        *("<|nospeech|>", "<|notimestamps|>"),
        *(f"<|{number * 0.02:.2f}|>" for number in range(TIMES)),
    ]


def tokenizer(text: list[str], merges: list[tuple[str, str]], special: list[str]) -> Tokenizer:
    ids = {token: number for number, token in enumerate(text)}
    made = Tokenizer(models.BPE(vocab=ids, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(each, special=True) for each in special[:-TIMES]])
    made.add_tokens([AddedToken(each, special=False) for each in special[-TIMES:]])
    return made


def chains(kind: Kind) -> list[tuple[str, ...]]:
    heard, translated = (tuple(map(pieces, words)) for words in (HEARD, TRANSLATED))
    end = ("<|2.00|>", "<|endoftext|>")
    if not kind.multilingual:
        return [("<|startoftranscript|>", "<|0.00|>", *heard, *end), ("<|notimestamps|>", heard[0])]
    return [
        ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|0.00|>", *heard, *end),
        ("<|translate|>", "<|0.02|>", *translated, *end),
        ("<|notimestamps|>", heard[0]),
    ]


def model(ids: dict[str, int], kind: Kind, layers: int) -> WhisperSpec:
    spec = WhisperSpec(layers, 2, 2, 2)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = zeros(WIDTH, kind.mels, 3), zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = zeros(WIDTH, WIDTH, 3), zeros(WIDTH)
    encoder.position_encodings.encodings = positions(np.arange(FRAMES), 4.0)
    ahead = STEP * np.maximum(np.arange(POSITIONS) - (3 if kind.multilingual else 1), 0) + 5
    decoder.position_encodings.encodings = positions(ahead, 1.0)
    decoder.embeddings.weight, decoder.projection.weight = successors(ids, kind)
    bias = np.full(len(ids), -30.0, np.float32)
    bias[ids["<|endoftext|>"]] = -40.0  # or beams end early
    decoder.projection.bias = bias
    for norm in (encoder.layer_norm, decoder.layer_norm):
        plain(norm)
    for layer in (*encoder.layer, *decoder.layer):
        quiet(layer)
    for layer in decoder.layer:
        crossing(layer.attention)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["Ġ"], ids["<|endoftext|>"]]
    spec.config.lang_ids = [ids[f"<|{language}|>"] for language in kind.languages]
    spec.config.alignment_heads = [(1, 0)]
    return spec


def successors(ids: dict[str, int], kind: Kind) -> tuple[Array, Array]:
    """Embeddings and projection, both (vocabulary, WIDTH)."""
    pairs = [pair for chain in chains(kind) for pair in pairwise(chain)]
    tokens = list(dict.fromkeys(token for pair in pairs for token in pair))
    random = np.random.default_rng(0).normal(size=(HALF, HALF))
    random[:, 0] = 1.0  # the codes are orthogonal to it: their mean is zero
    codes = np.linalg.qr(random)[0][:, 1:].T
    embedding, projection = zeros(len(ids), WIDTH), zeros(len(ids), WIDTH)
    for token, code in zip(tokens, codes[: len(tokens)], strict=True):
        embedding[ids[token], :HALF] = 4.0 * code
    for token, following in dict.fromkeys(pairs):
        code = embedding[ids[token]]
        projection[ids[following]] += 60.0 / WIDTH * code / code.std()
    return embedding, projection


def positions(frames: NDArray[np.int64], size: float) -> Array:
    """Sinusoids of that length for each frame, in the second half: (n, WIDTH)."""
    rates = np.exp(-np.log(10_000) * np.arange(HALF // 2) / (HALF // 2 - 1))
    angles = frames[:, None] * rates
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    made = zeros(len(frames), WIDTH)
    made[:, HALF:] = size * waves / np.sqrt(HALF // 2)
    return made


def quiet(layer: ctranslate2.specs.transformer_spec.TransformerDecoderLayerSpec) -> None:
    """Self-attention and feed-forward that add nothing."""
    attention, ffn = layer.self_attention, layer.ffn
    plain(attention.layer_norm)
    plain(ffn.layer_norm)
    flat(attention.linear[0], 3 * WIDTH, WIDTH)
    flat(attention.linear[1], WIDTH, WIDTH)
    flat(ffn.linear_0, 4 * WIDTH, WIDTH)
    flat(ffn.linear_1, WIDTH, 4 * WIDTH)


def crossing(attention: ctranslate2.specs.attention_spec.MultiHeadAttentionSpec) -> None:
    """Its first head looks at the frame of the token's position, and adds nothing."""
    plain(attention.layer_norm)
    for linear, outputs in zip(attention.linear, (WIDTH, 2 * WIDTH, WIDTH), strict=True):
        flat(linear, outputs, WIDTH)
    attention.linear[0].weight[:HALF, HALF:] = 1.5 * np.eye(HALF)
    attention.linear[1].weight[:HALF, HALF:] = 3.0 * np.eye(HALF)


def plain(norm: ctranslate2.specs.common_spec.LayerNormSpec) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), zeros(WIDTH)


def flat(linear: ctranslate2.specs.common_spec.LinearSpec, outputs: int, inputs: int) -> None:
    linear.weight, linear.bias = zeros(outputs, inputs), zeros(outputs)


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
