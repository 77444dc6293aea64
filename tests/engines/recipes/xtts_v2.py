"""Tiny XTTS models with the true code, into the folder of argv[1].

They are random, but for the lengths: a position's embedding tells the head of the sounds to stop
after TOKENS of them. `endless` never stops. `speechless` has no speakers. `foreign` has another
model's weights, `lacking` has none.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.models.xtts import Xtts

TOKENS = 16
"""Sounds of a piece of text."""
LANGUAGES = "en es fr de it pt pl tr ru nl cs ar zh-cn hu ko ja hi"
CHANNELS = 64
SPEAKERS = ("Claribel Dervla", "Daisy Studious", "Damien Black")


def main(folder: Path) -> None:
    write(folder / "tiny")
    write(folder / "endless", ends=False)
    for name, without in (("speechless", "speakers_xtts.pth"), ("lacking", "model.pth")):
        shutil.copytree(folder / "tiny", folder / name)
        (folder / name / without).unlink()
    shutil.copytree(folder / "tiny", folder / "foreign")
    torch.save({"model": {"weight": torch.ones(2)}}, folder / "foreign" / "model.pth")


def write(folder: Path, *, ends: bool = True) -> None:
    folder.mkdir(parents=True)
    config = configuration()
    config.save_json(str(folder / "config.json"))
    words().save(str(folder / "vocab.json"))
    torch.manual_seed(0)
    model = Xtts(XttsConfig(model_args=fitted(config, folder), languages=config.languages))
    with torch.no_grad():
        wire(model.gpt, ends=ends)
    # As published: with the configuration pickled under the names that its classes had.
    XttsArgs.__module__ = XttsAudioConfig.__module__ = "TTS.tts.models.xtts"
    state = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save({"config": config, "model": state}, folder / "model.pth")
    XttsArgs.__module__ = XttsAudioConfig.__module__ = "TTS.tts.configs.xtts_config"
    torch.save({name: voice() for name in SPEAKERS}, folder / "speakers_xtts.pth")


def configuration() -> Any:
    args = XttsArgs(
        gpt_layers=2,
        gpt_n_model_channels=CHANNELS,
        gpt_n_heads=4,
        gpt_max_audio_tokens=105,
        gpt_num_audio_tokens=1026,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025,
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=CHANNELS,
    )
    return XttsConfig(
        model_args=args,
        languages=LANGUAGES.split(),
        temperature=0.75,
        repetition_penalty=5.0,
        gpt_cond_len=30,
        max_ref_len=30,
    )


def words() -> Any:
    """A tokenizer of single letters."""
    letters = [chr(code) for code in (*range(0x21, 0x250), *range(0x390, 0x500))]
    letters += [chr(code) for code in (*range(0x600, 0x660), *range(0x900, 0x970))]
    known = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{code}]" for code in LANGUAGES.split())]
    vocabulary = {token: number for number, token in enumerate([*known, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(known)
    return tokenizer


def fitted(config: Any, folder: Path) -> Any:
    """As the model itself takes them from the tokenizer when it loads."""
    tokenizer = Tokenizer.from_file(str(folder / "vocab.json"))
    args = config.model_args.copy()
    args.gpt_number_text_tokens = max(tokenizer.get_vocab().values()) + 1
    args.gpt_start_text_token = tokenizer.token_to_id("[START]")
    args.gpt_stop_text_token = tokenizer.token_to_id("[STOP]")
    return args


def wire(gpt: Any, *, ends: bool) -> None:
    """The first channel is the clock: high from the position on at which all is said."""
    positions, head = gpt.mel_pos_embedding.emb.weight, gpt.mel_head
    positions[:, 0] = 0
    positions[TOKENS:, 0] = 40.0
    gpt.mel_embedding.weight[:, 0] = 0
    head.weight[:, 0] = 0
    head.weight[gpt.stop_audio_token] = 0
    head.weight[gpt.stop_audio_token, 0] = 100.0 if ends else 0.0
    head.bias[gpt.stop_audio_token] = -300.0


def voice() -> dict[str, torch.Tensor]:
    return {
        "gpt_cond_latent": torch.randn(1, 32, CHANNELS),
        "speaker_embedding": torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
