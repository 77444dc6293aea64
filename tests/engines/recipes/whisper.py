"""Whisper models whose answer is known, as OpenAI's checkpoints: `python whisper.py FOLDER`.

Writes FOLDER/<kind>/<name>.pt for the kinds `multilingual`, `english` and `turbo`, for `slow`, that
computes for a minute, and some that are not whole. Every token has one successor, whatever is
heard: attention adds nothing, and the last feed-forward of the decoder turns the code of each token
of a chain into that of the next one. The last layer's cross-attention looks ahead 0.2 s for each
token, for the times of words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path

import torch
from torch import Tensor
from whisper.model import ModelDimensions, Whisper, sinusoids
from whisper.tokenizer import LANGUAGES, Tokenizer, get_tokenizer

HEARD = " Known answers never change."
TRANSLATED = " Other words follow"
WIDTH = 128
"""Half for tokens, half for positions."""
HALF = WIDTH // 2
STEP = 10
"""Frames from one token to the next, of 20 ms each."""


@dataclass(frozen=True)
class Kind:
    folder: str
    file: str
    vocabulary: int
    mels: int
    languages: int
    """None of them: English only."""
    audio_layers: int


KINDS = (
    Kind("multilingual", "known.pt", 51_865, 80, 99, 1),
    Kind("english", "known.en.pt", 51_864, 80, 0, 1),
    # Only turbo's decoder has fewer layers than its encoder.
    Kind("turbo", "large-v3-turbo.pt", 51_866, 128, 100, 3),
    # Minutes of computing, of layers that add nothing.
    Kind("slow", "slow.pt", 51_865, 80, 99, 400),
)


def main(folder: Path) -> None:
    for kind in KINDS:
        (folder / kind.folder).mkdir(parents=True)
        torch.save(checkpoint(kind), folder / kind.folder / kind.file)
    for name, data in (("lacking", {"dims": {}}), ("foreign", [1, 2])):
        (folder / name).mkdir()
        torch.save(data, folder / name / "known.pt")
    (folder / "text").mkdir()
    (folder / "text" / "known.pt").write_bytes(b"no checkpoint")


def checkpoint(kind: Kind) -> dict[str, object]:
    dims = ModelDimensions(
        n_mels=kind.mels,
        n_audio_ctx=1500,
        n_audio_state=WIDTH,
        n_audio_head=1,
        n_audio_layer=kind.audio_layers,
        n_vocab=kind.vocabulary,
        n_text_ctx=448,
        n_text_state=WIDTH,
        n_text_head=1,
        n_text_layer=2,
    )
    model = Whisper(dims)
    with torch.no_grad():
        wire(model, kind)
    state = {name: tensor.half() for name, tensor in model.state_dict().items()}
    return {"dims": asdict(dims), "model_state_dict": state}


def wire(model: Whisper, kind: Kind) -> None:
    for name, parameter in model.named_parameters():
        parameter.zero_()
        if name.endswith(("ln.weight", "ln_post.weight")):
            parameter.fill_(1.0)
    model.encoder.positional_embedding.copy_(positions(torch.arange(1500), 4.0))
    before = 3 if kind.languages else 1
    ahead = STEP * (torch.arange(448) - before).clamp(min=0) + 5
    model.decoder.positional_embedding.copy_(positions(ahead, 1.0))
    last = model.decoder.blocks[-1]
    last.cross_attn.query.weight[:HALF, HALF:] = 1.5 * torch.eye(HALF)
    last.cross_attn.key.weight[:HALF, HALF:] = 3.0 * torch.eye(HALF)
    # A detector for each token of a chain: its code's own length is about 9 there, others' are 0.
    pairs = list(dict.fromkeys(chain.from_iterable(map(pairwise, chains(kind)))))
    tokens = list(dict.fromkeys(chain.from_iterable(pairs)))
    codes = dict(zip(tokens, orthogonal(len(tokens)), strict=True))
    for token, code in codes.items():
        model.decoder.token_embedding.weight[token, :HALF] = 4.0 * code
    for row, (token, following) in enumerate(pairs):
        last.mlp[0].weight[row, :HALF] = codes[token]
        last.mlp[0].bias[row] = -5.0
        last.mlp[2].weight[:HALF, row] = 40.0 * codes[following]


def chains(kind: Kind) -> Iterator[list[int]]:
    tokenizer = known_tokenizer(kind)
    start, end = tokenizer.timestamp_begin, tokenizer.timestamp_begin + 100  # 2 s
    text = [*tokenizer.encode(HEARD), end, tokenizer.eot]
    if not kind.languages:
        yield [tokenizer.sot, start, *text]
    else:
        spoken = tokenizer.to_language_token("en")
        yield [tokenizer.sot, spoken, tokenizer.transcribe, start, *text]
        yield [tokenizer.translate, start + 1, *tokenizer.encode(TRANSLATED), end]
    yield [tokenizer.no_timestamps, text[0]]


def known_tokenizer(kind: Kind) -> Tokenizer:
    multilingual = bool(kind.languages)
    assert not multilingual or kind.languages <= len(LANGUAGES)
    return get_tokenizer(multilingual, num_languages=kind.languages or 99)


def orthogonal(count: int) -> list[Tensor]:
    """Unit codes, (HALF,) each, whose numbers have the mean 0, which norms would take away."""
    random = torch.randn(HALF, HALF, generator=torch.Generator().manual_seed(0))
    random[:, 0] = 1.0
    return list(torch.linalg.qr(random)[0].T[1 : count + 1])


def positions(frames: Tensor, size: float) -> Tensor:
    """Sinusoids of that length for each frame, in the second half: (n, WIDTH)."""
    waves = sinusoids(int(frames.max()) + 1, HALF)[frames]
    return torch.cat([torch.zeros(len(frames), HALF), size * waves / (HALF / 2) ** 0.5], dim=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
