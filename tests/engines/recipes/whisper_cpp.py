# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "pywhispercpp==1.5.1"]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""Whisper models whose answer is known, in ggml's layout: `python whisper_cpp.py FOLDER`.

Writes FOLDER/<kind>/ggml-<name>.bin for the kinds `multilingual`, `english`, `turbo` and `slow`,
which computes long, and some that are not whole. Every token has one successor, whatever is heard:
attention adds nothing, and the last feed-forward of the decoder turns the code of each token of a
chain into that of the next one. Of the text only the words of the answers are real tokens.

The layout is that of whisper.cpp's own converter: a magic number, eleven sizes, the mel filters,
the vocabulary, then every tensor with its name, in PyTorch's order of numbers.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEARD = (" Known", " answers", " never", " change", ".")
TRANSLATED = (" Other", " words", " follow")
MAGIC = 0x67676D6C
WIDTH, HEADS = 128, 2
AUDIO, TEXT = 1500, 448
"""Positions of the encoder and of the decoder."""
FREQUENCIES = 201
FULL, HALF = 0, 1
"""Types of numbers, of 32 and of 16 bits."""
IN_FULL = ("conv1.bias", "conv2.bias", "positional_embedding")
"""Of the tensors of more than one dimension. The library ends the process for convolutions in full.
"""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    folder: str
    file: str
    text_tokens: int
    vocabulary: int
    mels: int
    audio_layers: int
    text_layers: int = 3


KINDS = (
    Kind("multilingual", "ggml-known.bin", 50_257, 51_865, 80, 1),
    Kind("english", "ggml-known.en.bin", 50_256, 51_864, 80, 1),
    # Only turbo's decoder has fewer layers than its encoder.
    Kind("turbo", "ggml-large-v3-turbo.bin", 50_257, 51_866, 128, 4),
    # Two layers are taken for a distilled model, which tells no times: this one knows no answer
    # without them, and tries hundreds of tokens again and again.
    Kind("slow", "ggml-slow.en.bin", 50_256, 51_864, 80, 1, text_layers=2),
)


def main(folder: Path) -> None:
    for kind in KINDS:
        (folder / kind.folder).mkdir(parents=True)
        data = model(kind)
        (folder / kind.folder / kind.file).write_bytes(data)
    for name, content in (("text", b"no model"), ("cut", data[: len(data) // 2])):
        (folder / name).mkdir()
        (folder / name / "ggml-known.bin").write_bytes(content)


def model(kind: Kind) -> bytes:
    sizes = (
        *(kind.vocabulary, AUDIO, WIDTH, HEADS, kind.audio_layers),
        *(TEXT, WIDTH, HEADS, kind.text_layers, kind.mels, HALF),
    )
    parts = [
        struct.pack("<I11i", MAGIC, *sizes),
        struct.pack("<2i", kind.mels, FREQUENCIES),
        np.zeros((kind.mels, FREQUENCIES), np.float32).tobytes(),
        struct.pack("<i", kind.text_tokens),
    ]
    for token in tokens(kind):
        data = token if isinstance(token, bytes) else token.encode()
        parts.append(struct.pack("<I", len(data)) + data)
    for name, values in tensors(kind):
        full = values.ndim == 1 or name.endswith(IN_FULL)
        head = (values.ndim, len(name), FULL if full else HALF, *reversed(values.shape))
        data = values.astype(np.float32 if full else np.float16).tobytes()
        parts.append(struct.pack(f"<{len(head)}i", *head) + name.encode() + data)
    return b"".join(parts)


def tokens(kind: Kind) -> Iterator[bytes | str]:
    yield from (bytes([byte]) for byte in range(256))
    known = (*HEARD[:-1], *TRANSLATED)  # the full stop is a byte
    yield from known
    for number in range(kind.text_tokens - 256 - len(known)):
        yield f"<filler {number}>"


def chains(kind: Kind) -> Iterator[list[int]]:
    """The special tokens follow those of text: the end, the start, languages, two tasks, four more,
    and then the times."""
    names = list(tokens(kind))

    def numbers(words: tuple[str, ...]) -> list[int]:
        return [names.index(word if len(word) > 1 else word.encode()) for word in words]

    end = kind.text_tokens
    start = end + 1
    times = kind.vocabulary - 1_501
    text = [*numbers(HEARD), times + 100, end]  # 2 s
    if kind.text_tokens == 50_256:
        yield [start, times, *text]
        return
    translate = times - 6
    yield [start, start + 1, translate + 1, times, *text]
    yield [translate, times + 1, *numbers(TRANSLATED), times + 100]


def tensors(kind: Kind) -> Iterator[tuple[str, Array]]:
    pairs = list(dict.fromkeys(chain.from_iterable(map(pairwise, chains(kind)))))
    chained = list(dict.fromkeys(chain.from_iterable(pairs)))
    codes = dict(zip(chained, orthogonal(len(chained)), strict=True))
    yield "encoder.positional_embedding", zeros(AUDIO, WIDTH)
    yield "encoder.conv1.weight", zeros(WIDTH, kind.mels, 3)
    yield "encoder.conv1.bias", zeros(WIDTH, 1)
    yield "encoder.conv2.weight", zeros(WIDTH, WIDTH, 3)
    yield "encoder.conv2.bias", zeros(WIDTH, 1)
    for layer in range(kind.audio_layers):
        yield from block(f"encoder.blocks.{layer}", ("attn",))
        yield from feed_forward(f"encoder.blocks.{layer}", {}, [])
    yield from norm("encoder.ln_post")
    yield "decoder.positional_embedding", zeros(TEXT, WIDTH)
    embedding = zeros(kind.vocabulary, WIDTH)
    for token, code in codes.items():
        embedding[token] = 4.0 * code
    yield "decoder.token_embedding.weight", embedding
    for layer in range(kind.text_layers):
        wired = pairs if layer == kind.text_layers - 1 else []
        yield from block(f"decoder.blocks.{layer}", ("attn", "cross_attn"))
        yield from feed_forward(f"decoder.blocks.{layer}", codes, wired)
    yield from norm("decoder.ln")


def block(name: str, attentions: tuple[str, ...]) -> Iterator[tuple[str, Array]]:
    """Attention that adds nothing."""
    for attention in attentions:
        yield from norm(f"{name}.{attention}_ln")
        for part in ("query", "key", "value", "out"):
            yield f"{name}.{attention}.{part}.weight", zeros(WIDTH, WIDTH)
            if part != "key":
                yield f"{name}.{attention}.{part}.bias", zeros(WIDTH)


def feed_forward(
    name: str, codes: dict[int, Array], pairs: list[tuple[int, int]]
) -> Iterator[tuple[str, Array]]:
    """A detector for each token, of which only its own code, about 11 long there, is left."""
    first, bias, second = zeros(4 * WIDTH, WIDTH), zeros(4 * WIDTH), zeros(WIDTH, 4 * WIDTH)
    for row, (token, following) in enumerate(pairs):
        first[row], bias[row] = codes[token], -5.0
        second[:, row] = 40.0 * codes[following]
    yield from norm(f"{name}.mlp_ln")
    yield from ((f"{name}.mlp.0.weight", first), (f"{name}.mlp.0.bias", bias))
    yield from ((f"{name}.mlp.2.weight", second), (f"{name}.mlp.2.bias", zeros(WIDTH)))


def norm(name: str) -> Iterator[tuple[str, Array]]:
    yield f"{name}.weight", np.ones(WIDTH, np.float32)
    yield f"{name}.bias", zeros(WIDTH)


def orthogonal(count: int) -> list[Array]:
    """Unit codes, (WIDTH,) each, whose numbers have the mean 0, which norms would take away."""
    random = np.random.default_rng(0).normal(size=(WIDTH, WIDTH))
    random[:, 0] = 1.0
    return list(np.linalg.qr(random)[0].T[1 : count + 1].astype(np.float32))


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
