"""Tiny Chatterbox models whose length is known, into the folder of argv[1].

They are of the package's own classes, made small by `shrink`, and random but for this: `base` stops
after LENGTH tokens, of which one is no sound; `multilingual` then says one token twice, at which
the package ends it. `turbo` stops at the second of the places of its whole input that TURBO
divides: it says TURBO tokens, and those that lack from the recording and the text to the first
one. A token is 960 samples. Nothing stops `endless`, `mute` stops at once, and three others miss
something.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from chatterbox import mtl_tts, tts, tts_turbo
from chatterbox.models.s3gen import S3Gen, s3gen
from chatterbox.models.t3 import T3
from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS
from chatterbox.models.t3.modules.t3_config import T3Config
from chatterbox.models.tokenizers import EnTokenizer
from chatterbox.models.voice_encoder import VoiceEncoder
from s3tokenizer.model_v2 import S3TokenizerV2
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, models

LENGTH, TURBO = 25, 30
VOICE = 6.0
"""Seconds of the recording that the models' own voice is made of."""
STOP, SOUNDS, NO_SOUND = 6562, 6561, 7000
"""Tokens of speech: the end, the number of those that are heard, and one that is not."""
LATE = SOUNDS // 2
"""The first of the tokens by which `turbo` knows that it has passed a place where it could stop."""
HELD = 100
"""The token that `multilingual` says twice."""
TAGS = ("clear throat", "sigh", "shush", "cough", "groan", "sniff", "gasp", "chuckle", "laugh")
OTHERS = ("angry", "fear", "surprised", "whispering", "advertisement", "dramatic", "narration")
MORE = ("crying", "happy", "sarcastic")
LANGUAGES = tuple(mtl_tts.SUPPORTED_LANGUAGES)
CANGJIE = {"你": "onf", "好": "vnd", "今": "oin", "天": "mk", "很": "hoav"}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-"


def main(folder: Path) -> None:
    shrink()
    torch.manual_seed(0)
    voices, generator = VoiceEncoder(), S3Gen().eval()
    write_base(folder / "base", voices, base(T3Config.english_only(), LENGTH), generator)
    _save(base(T3Config.english_only(), None), _but_for("t3_cfg.safetensors", folder / "endless"))
    write_turbo(folder / "turbo", voices, turbo(), S3Gen(meanflow=True).eval())
    _save(mute(), _but_for("t3_turbo_v1.safetensors", folder / "mute", "turbo"))
    write_multilingual(folder / "multilingual", voices, multilingual(), generator)
    _but_for("conds.pt", folder / "voiceless")
    _but_for("ve.safetensors", folder / "lacking")
    _but_for("s3gen.safetensors", folder / "broken").write_bytes(b"no tensors")


def _but_for(name: str, folder: Path, origin: str = "base") -> Path:
    """Where the folder's file of that name would be; its others are those of `origin`."""
    folder.mkdir()
    for file in (folder.parent / origin).iterdir():
        if file.name != name:
            (folder / file.name).symlink_to(file)
    return folder / name


def shrink() -> None:
    """For the whole process, as the sizes are not in the files. Widths that the package writes into
    its code stay; so do 14 layers of 16 heads, some of which the multilingual model looks at.
    """
    LLAMA_CONFIGS["GPT2_medium"].update(n_embd=64, hidden_size=64, n_layer=2, n_head=4)
    LLAMA_CONFIGS["Llama_520M"].update(num_hidden_layers=14, intermediate_size=64, head_dim=4)
    (size,) = S3TokenizerV2.__init__.__defaults__
    size.n_audio_state, size.n_audio_head, size.n_audio_layer = 64, 1, 1
    for name, smaller in (
        ("UpsampleConformerEncoder", {"num_blocks": 1, "linear_units": 64}),
        (
            "ConditionalDecoder",
            {"channels": [64], "num_heads": 1, "n_blocks": 1, "num_mid_blocks": 1},
        ),
        ("HiFTGenerator", {"base_channels": 64}),
    ):
        setattr(s3gen, name, _smaller(getattr(s3gen, name), smaller))


def _smaller(made: Any, smaller: Mapping[str, object]) -> Any:
    return lambda **sizes: made(**(sizes | smaller))


def base(config: Any, length: int | None) -> Any:
    model = _without_end(T3(config))
    if length is not None:
        with torch.no_grad():
            model.speech_pos_emb.emb.weight[length:, 0] = 3000.0
            model.speech_head.weight[STOP, 0] = 24.0
            model.speech_pos_emb.emb.weight[3, 2] = 3000.0
            model.speech_head.weight[NO_SOUND, 2] = 24.0
    return model.eval()


def multilingual() -> Any:
    model = base(T3Config.multilingual(), LENGTH)
    with torch.no_grad():
        model.speech_head.weight[STOP, 0] = 0.0
        model.speech_head.weight[HELD, 0] = 24.0
    return model.eval()


def _without_end(model: Any) -> Any:
    """Three numbers of each token are set apart: one tells that it is time to stop, one is always
    there and speaks against all that is no sound, and one calls for NO_SOUND. The rest follows the
    text and the voice, more than it would by chance.
    """
    with torch.no_grad():
        for layer in model.tfmr.layers:
            heads, dense = layer.self_attn, layer.mlp
            heads.o_proj.weight *= 400.0
            for output in (heads.o_proj, dense.down_proj):
                output.weight[:3] = 0.0
            for taken in (heads.q_proj, heads.k_proj, heads.v_proj, dense.gate_proj, dense.up_proj):
                taken.weight[:, :3] = 0.0
        for weight in (model.speech_emb.weight, model.speech_pos_emb.emb.weight):
            weight[:, :3] = 0.0
        model.speech_emb.weight[:, 1] = 500.0
        model.speech_head.weight *= 30.0
        model.speech_head.weight[:, :3] = 0.0
        model.speech_head.weight[SOUNDS:, 1] = -40.0
    return model


def turbo() -> Any:
    """As `from_local` sets it up."""
    config = T3Config(text_tokens_dict_size=50276)
    config.llama_config_name = "GPT2_medium"
    config.speech_tokens_dict_size = 6563
    config.input_pos_emb = None
    config.speech_cond_prompt_len = 375
    config.use_perceiver_resampler = False
    config.emotion_adv = False
    return _with_clock(T3(config)).eval()


def mute() -> Any:
    model = turbo()
    with torch.no_grad():
        model.speech_head.bias[STOP] = 1000.0
    return model


def _with_clock(model: Any) -> Any:
    """Four numbers of each token are set apart: whether TURBO divides its place, whether it is one
    of the LATE ones, and the opposites of both, so that all tokens are of one length. An early one
    follows where none of the two is true, a late one where one is, the end where both are. The rest
    follows the text and the voice, more than it would by chance.
    """
    places, sounds, head = model.tfmr.wpe.weight, model.speech_emb.weight, model.speech_head
    with torch.no_grad():
        for layer in model.tfmr.h:
            layer.attn.c_proj.weight *= 400.0
            for output in (layer.attn.c_proj, layer.mlp.c_proj):
                output.weight[:, :4] = 0.0
            for taken in (layer.attn.c_attn, layer.mlp.c_fc):
                taken.weight[:4] = 0.0
        places[:, :4] = sounds[:, :4] = 0.0
        places[::TURBO, 0] = 100.0
        places[:, 2] = 100.0 - places[:, 0]
        sounds[LATE:SOUNDS, 1] = 100.0
        sounds[:, 3] = 100.0 - sounds[:, 1]
        head.weight *= 50.0
        head.weight[:, :4] = head.bias[:] = 0.0
        head.weight[LATE:SOUNDS, :2], head.bias[LATE:SOUNDS] = 30.0, -80.0
        head.weight[STOP, :2], head.bias[STOP] = 60.0, -330.0
        head.bias[SOUNDS] = -1000.0  # the start
    return model


def write_base(folder: Path, voices: Any, model: Any, generator: Any) -> None:
    folder.mkdir(parents=True)
    _save(voices, folder / "ve.safetensors")
    _save(model, folder / "t3_cfg.safetensors")
    _save(generator, folder / "s3gen.safetensors")
    graphemes(LETTERS, 704).save(str(folder / "tokenizer.json"))
    english = EnTokenizer(str(folder / "tokenizer.json"))
    _own_voice(tts.ChatterboxTTS(model, generator, voices, english, "cpu"), folder)


def write_multilingual(folder: Path, voices: Any, model: Any, generator: Any) -> None:
    folder.mkdir(parents=True)
    torch.save(voices.state_dict(), folder / "ve.pt")
    _save(model, folder / "t3_mtl23ls_v2.safetensors")
    torch.save(generator.state_dict(), folder / "s3gen.pt")
    letters = sorted({letter for code in CANGJIE.values() for letter in code} | {"."})
    special = [*(f"[{code}]" for code in LANGUAGES), *(f"[cj_{letter}]" for letter in letters)]
    tokenizer = graphemes(LETTERS, 2454, special)
    tokenizer.save(str(folder / "grapheme_mtl_merged_expanded_v1.json"))
    entries = [f"{glyph}\t{code}" for glyph, code in CANGJIE.items()]
    (folder / "Cangjie5_TC.json").write_text(json.dumps(entries), encoding="utf-8")
    _own_voice(mtl_tts.ChatterboxMultilingualTTS(model, generator, voices, None, "cpu"), folder)
    write_segmenter(folder / "spacy_ontonotes.zip")


def write_turbo(folder: Path, voices: Any, model: Any, generator: Any) -> None:
    folder.mkdir(parents=True)
    _save(voices, folder / "ve.safetensors")
    _save(model, folder / "t3_turbo_v1.safetensors")
    _save(generator, folder / "s3gen_meanflow.safetensors")
    write_gpt2(folder)
    del model.tfmr.wte
    _own_voice(tts_turbo.ChatterboxTurboTTS(model, generator, voices, None, "cpu"), folder)


def _save(model: Any, file: Path) -> None:
    state = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    save_file(state, file)


def _own_voice(model: Any, folder: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, hum(VOICE, 150.0), 24_000, format="WAV", subtype="FLOAT")
    file.seek(0)
    model.prepare_conditionals(file)
    model.conds.save(folder / "conds.pt")


def hum(seconds: float, pitch: float) -> np.ndarray:
    """Of a few harmonics, at 24 kHz."""
    time = np.arange(round(24_000 * seconds)) / 24_000
    waves = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 12))
    return (0.2 * waves * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


def graphemes(letters: str, size: int, special: list[str] | None = None) -> Tokenizer:
    """One token for each of the letters; START and STOP in their places."""
    tokens = ["[STOP]", "[UNK]", "[SPACE]", *(special or ()), *letters]
    tokens += [f"<filler {number}>" for number in range(size - 1 - len(tokens))]
    tokens.insert(255, "[START]")
    made = Tokenizer(
        models.BPE({token: n for n, token in enumerate(tokens)}, [], unk_token="[UNK]")
    )
    named = [token for token in tokens if token[0] == "[" and len(token) > 1]
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in named])
    return made


def write_gpt2(folder: Path) -> None:
    """A token for each byte, and the tags."""
    byte = [chr(n) for n in (*range(33, 127), *range(161, 173), *range(174, 256))]
    byte += [chr(256 + n) for n in range(256 - len(byte))]
    tokens = [*byte, *(f"<filler {n}>" for n in range(50256 - 256)), "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: n for n, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tags = {f"[{tag}]": 50257 + n for n, tag in enumerate((*OTHERS, *MORE, *TAGS))}
    (folder / "added_tokens.json").write_text(json.dumps(tags))
    end = "<|endoftext|>"
    special = {"bos_token": end, "eos_token": end, "unk_token": end}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    config = {
        **special,
        "tokenizer_class": "GPT2Tokenizer",
        "added_tokens_decoder": {
            str(n): {
                "content": tag,
                "special": False,
                "normalized": True,
                "lstrip": False,
                "rstrip": False,
                "single_word": False,
            }
            for tag, n in tags.items()
        },
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def write_segmenter(file: Path) -> None:
    """Trained by the package, on one sentence."""
    import spacy_pkuseg  # it leaves a folder behind, which only training makes

    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.utf8"
        text.write_text("今天 很 好\n你 好\n" * 20, encoding="utf-8")
        spacy_pkuseg.train(str(text), str(text), f"{folder}/model", train_iter=2)
        with zipfile.ZipFile(file, "w") as archive:
            for part in ("features.msgpack", "weights.npz"):
                archive.write(Path(folder) / "model" / part, part)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
