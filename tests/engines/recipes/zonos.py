"""Tiny Zonos models with the true code, into the folder of argv[1].

They are random, but for the lengths: the tokens of the first codebook follow one another, from the
mark of the start to that of the end, after FRAMES. `endless` begins anew instead, and takes its
time with layers that do nothing. `foreign` has parts of another shape, `partial` and `lacking` have
not all.

The code is taken from the checkout that STENTOR_TEST_ZONOS names, else from where the engine's
weights come from.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import sys
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import DacConfig, DacModel

from stentor_engine.loader import engine_declarations

ENGINE = Path(__file__).parents[3] / "engines" / "zonos.py"
FRAMES = 40
CHANNELS = 64
REWRITTEN = ("endless", "foreign", "partial")
BOOKS, END, START = 9, 1024, 1025


def main(folder: Path) -> None:
    torch.manual_seed(0)
    tiny = folder / "tiny"
    take_code(tiny / "code" / "zonos")
    sys.path.insert(0, str(tiny / "code"))
    sudachipy: Any = importlib.import_module("sudachipy")
    sudachipy.Dictionary = lambda **_: Words()
    write_codec(tiny / "dac")
    write_speaker(tiny / "speaker")
    write_model(tiny)
    for name in ("endless", "foreign", "partial", "lacking"):
        shutil.copytree(tiny, folder / name, copy_function=os.link)
    for file in ("endless/config.json", *(f"{name}/model.safetensors" for name in REWRITTEN)):
        (folder / file).unlink()  # it is the same file as that of `tiny`
    write_model(folder / "endless", ends=False)
    (folder / "lacking" / "speaker" / "ResNet293_SimAM_ASP_base.pt").unlink()
    weights = load_file(tiny / "model.safetensors")
    weights.pop("backbone.norm_f.weight")
    save_file(weights, folder / "partial" / "model.safetensors")
    save_file({"weight": torch.ones(2)}, folder / "foreign" / "model.safetensors")


class Words:
    """In place of a dictionary of Japanese, for which there is no need here."""

    def create(self) -> None:
        return None


def take_code(folder: Path) -> None:
    (engine,) = engine_declarations(ENGINE)
    weights = engine.weights["transformer"][-1]
    checkout = os.environ.get("STENTOR_TEST_ZONOS")
    for name, url in weights.urls.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if checkout:
            file.write_bytes((Path(checkout) / "zonos" / name).read_bytes())
        else:
            with urllib.request.urlopen(url, timeout=60) as answer:
                file.write_bytes(answer.read())
        assert hashlib.sha256(file.read_bytes()).hexdigest() == weights.sha256[name], name


def write_codec(folder: Path) -> None:
    codec = DacModel(
        DacConfig(
            encoder_hidden_size=2,
            downsampling_ratios=[2, 4, 8, 8],
            decoder_hidden_size=32,
            upsampling_ratios=[8, 8, 4, 2],
            n_codebooks=BOOKS,
            codebook_size=1024,
            sampling_rate=44_100,
        )
    )
    with torch.no_grad():
        for name, value in codec.named_parameters():
            if value.dim() > 1:  # to be heard: as it is made it is all but silent
                torch.nn.init.xavier_uniform_(value, gain=1.0)
            if name.endswith("codebook.weight"):
                value.normal_()
        codec.decoder.conv2.weight.mul_(0.01)
    codec.save_pretrained(folder)


def write_speaker(folder: Path) -> None:
    """Of the true size: its code knows no other."""
    cloning: Any = importlib.import_module("zonos.speaker_cloning")
    folder.mkdir()
    model = cloning.ResNet293_based()
    torch.save(model.state_dict(), folder / "ResNet293_SimAM_ASP_base.pt")
    lda = torch.nn.Linear(256, 128)
    torch.save(lda.state_dict(), folder / "ResNet293_SimAM_ASP_base_LDA-128.pt")


def write_model(folder: Path, *, ends: bool = True) -> None:
    settings = configuration(layers=1 if ends else 16)
    (folder / "config.json").write_text(json.dumps(settings))
    zonos: Any = importlib.import_module("zonos.model")
    zonos.DACAutoencoder = Codec
    model = zonos.Zonos(importlib.import_module("zonos.config").ZonosConfig.from_dict(settings))
    with torch.no_grad():
        wire(model, ends=ends)
    state = {name: value.bfloat16().contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")


class Codec:
    """All that the model asks of it when it is made."""

    num_codebooks = BOOKS


def configuration(*, layers: int) -> dict[str, Any]:
    """As published, but for the sizes."""
    learned = {"uncond_type": "learned"}
    fourier = {"type": "FourierConditioner", **learned}
    return {
        "backbone": {
            "d_model": CHANNELS,
            "d_intermediate": 0,
            "attn_mlp_d_intermediate": CHANNELS,
            "n_layer": layers,
            "ssm_cfg": {},
            "attn_layer_idx": list(range(layers)),
            "attn_cfg": {"causal": True, "num_heads": 4, "num_heads_kv": 2, "rotary_emb_dim": 16},
            "rms_norm": False,
            "residual_in_fp32": False,
            "norm_epsilon": 1e-5,
        },
        "prefix_conditioner": {
            "conditioners": [
                {"type": "EspeakPhonemeConditioner", "name": "espeak"},
                {
                    "type": "PassthroughConditioner",
                    "name": "speaker",
                    "cond_dim": 128,
                    "projection": "linear",
                    **learned,
                },
                {"name": "emotion", "input_dim": 8, **fourier},
                {"name": "fmax", "min_val": 0, "max_val": 24000, **fourier},
                {"name": "pitch_std", "min_val": 0, "max_val": 400, **fourier},
                {"name": "speaking_rate", "min_val": 0, "max_val": 40, **fourier},
                {
                    "type": "IntegerConditioner",
                    "name": "language_id",
                    **learned,
                    "min_val": -1,
                    "max_val": 126,
                },
            ],
            "projection": "linear",
        },
        "eos_token_id": END,
        "masked_token_id": START,
        "pad_vocab_to_multiple_of": 8,
    }


def wire(model: Any, *, ends: bool) -> None:
    """The first channels say which token of the first codebook was last."""
    chained = FRAMES + 2
    for layer in model.backbone.layers:
        layer.mlp.fc2.weight.zero_()
        layer.mixer.out_proj.weight.mul_(5 if layer is model.backbone.layers[0] else 0)
        layer.mixer.out_proj.weight[:chained] = 0
    for sounds in model.embeddings:
        sounds.weight[:, :chained] = 0
    for head in model.heads:
        head.weight.mul_(10)
        head.weight[:, :chained] = 0
    model.heads[0].weight.zero_()
    for at, (last, following) in enumerate(pairwise([START, *range(FRAMES), END if ends else 0])):
        model.embeddings[0].weight[last, at] = 20
        model.heads[0].weight[following, at] += 40


if __name__ == "__main__":
    main(Path(sys.argv[1]))
