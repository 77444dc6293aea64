"""Tiny Pocket TTS models with the true code, into the folder of argv[1].

They are random, but for the lengths: they come to an end as soon as the package lets them, or in
`endless` never. `plain` cannot take on voices, `voiceless` has none of its own, `foreign` has
another model's weights, `lacking` has none, `klingon` is of no known language.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import yaml
from pocket_tts import TTSModel, export_model_state
from pocket_tts.models.mimi import build_mimi
from pocket_tts.utils.config import CONFIGS_DIR, Config, load_config
from tokenizers import Tokenizer, decoders, models

VOICES = ("cosette", "alba", "marius")
PLACE = Path("languages", "english")


def main(folder: Path) -> None:
    write(folder / "plain")
    write(folder / "endless", ends=False)
    shutil.copytree(folder / "plain", folder / "tiny")
    (folder / "tiny" / "cloning" / PLACE).mkdir(parents=True)
    model = PLACE / "model.safetensors"
    (folder / "tiny" / model).rename(folder / "tiny" / "cloning" / model)
    for name in ("foreign", "lacking", "klingon"):
        shutil.copytree(folder / "plain", folder / name)
    shutil.copytree(folder / "tiny", folder / "voiceless")
    shutil.rmtree(folder / "voiceless" / PLACE / "embeddings")
    safetensors.torch.save_file({"weight": torch.ones(2)}, folder / "foreign" / model)
    (folder / "lacking" / model).unlink()
    (folder / "klingon" / PLACE).rename(folder / "klingon" / "languages" / "klingon")


def write(folder: Path, *, ends: bool = True) -> None:
    place = folder / PLACE
    place.mkdir(parents=True)
    tokenizer = words()
    tokenizer.save(str(place / "tokenizer.json"))
    config = configuration(tokenizer.get_vocab_size())
    # The true configuration names a hub's file; the engine puts its own in that place.
    (place / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    safetensors.torch.save_file(state(config, place, ends=ends), place / "model.safetensors")
    for number, name in enumerate(VOICES):
        export(config, place, name, number)


def configuration(words: int) -> Any:
    """The package's own for English, made small."""
    config = load_config(CONFIGS_DIR / "english.yaml").model_dump(mode="json")
    config["flow_lm"]["transformer"] |= {"d_model": 64, "num_heads": 4, "num_layers": 2}
    config["flow_lm"]["flow"] |= {"depth": 1, "dim": 32}
    config["flow_lm"]["lookup_table"] |= {"dim": 64, "n_bins": words}
    mimi = config["mimi"]
    mimi["seanet"] |= {"n_filters": 4, "dimension": 32}
    mimi["transformer"] |= {"d_model": 32, "num_heads": 4, "dim_feedforward": 64}
    mimi["transformer"] |= {"num_layers": 1, "input_dimension": 32, "output_dimensions": [32]}
    mimi["quantizer"] |= {"output_dimension": 32}
    return Config(**(config | {"mimi": mimi | {"outer_dim": 32}}))


def words() -> Any:
    """A tokenizer of single letters."""
    letters = [chr(code) for code in range(0x20, 0x180)]
    tokens = {token: number for number, token in enumerate(["<unk>", *letters])}
    tokenizer = Tokenizer(models.BPE(tokens, [], unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def state(config: Any, place: Path, *, ends: bool) -> dict[str, Any]:
    torch.manual_seed(0)
    local = config.model_copy(deep=True)
    local.flow_lm.lookup_table.tokenizer_path = str(place / "tokenizer.json")
    model = TTSModel._from_pydantic_config(local, 0.3, 1, None, -4.0, None)
    inner = local.mimi.inner_dim or local.mimi.seanet.dimension
    weight = torch.randn(local.flow_lm.transformer.d_model, inner)
    model.flow_lm.speaker_proj_weight = torch.nn.Parameter(weight)
    model.mimi = build_mimi(local.mimi)
    with torch.no_grad():
        model.flow_lm.out_eos.weight.zero_()
        model.flow_lm.out_eos.bias.fill_(100.0 if ends else -100.0)
        # Else the last layer of the sampler would be zero, and no voice would be heard.
        for parameter in model.flow_lm.flow_net.final_layer.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return {name: value.clone().contiguous() for name, value in model.state_dict().items()}


def export(config: Any, place: Path, name: str, number: int) -> None:
    local = config.model_copy(deep=True)
    local.weights_path = str(place / "model.safetensors")
    local.flow_lm.lookup_table.tokenizer_path = str(place / "tokenizer.json")
    file = place / "local.yaml"
    file.write_text(yaml.safe_dump(local.model_dump(mode="json")))
    model = TTSModel.load_model(config=file)
    file.unlink()
    noise = torch.randn(1, 24_000, generator=torch.Generator().manual_seed(number)) / 9
    (place / "embeddings").mkdir(exist_ok=True)
    said = model.get_state_for_audio_prompt(noise)
    export_model_state(said, place / "embeddings" / f"{name}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
