"""Tiny Higgs Audio models with the true code, into the folder of argv[1].

They are random, but for the lengths: the tokens of the first codebook follow one another, from the
mark of the start to that of the end, after FRAMES. `endless` begins anew instead, and takes its
time with layers that do nothing. `foreign` has parts of another shape; `lacking`, `half` and `mute`
lack files.
"""

from __future__ import annotations

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    DacConfig,
    DacFeatureExtractor,
    HiggsAudioV2Config,
    HiggsAudioV2ForConditionalGeneration,
    HiggsAudioV2Processor,
    HiggsAudioV2TokenizerConfig,
    HiggsAudioV2TokenizerModel,
    HubertConfig,
    PreTrainedTokenizerFast,
)

FRAMES = 24
CHANNELS = 64
BOOKS, SIZE = 8, 1026
START, END = 1024, 1025
MARKS = (
    *("<|end_of_text|>", "<|eot_id|>", "<|AUDIO_OUT|>", "<|audio_out_bos|>", "<|audio_eos|>"),
    *("<|reserved_special_token_6|>", "<|scene|>"),
)
TEMPLATE = """{%- for message in messages -%}
{{ message['role'] }}:
{%- for part in message['content'] %}
{%- if part['type'] == 'text' %} {{ part['text'] }}
{%- else %} <|audio_out_bos|><|AUDIO_OUT|><|audio_eos|>
{%- endif %}
{%- endfor %}<|eot_id|>
{%- endfor %}
{%- if add_generation_prompt %}<|audio_out_bos|>{% endif %}"""


def main(folder: Path) -> None:
    torch.manual_seed(0)
    write(folder / "tiny")
    write(folder / "endless", ends=False)
    for name, without in (
        ("lacking", "chat_template.jinja"),
        ("half", "model.safetensors"),
        ("mute", "codec/config.json"),
    ):
        shutil.copytree(folder / "tiny", folder / name)
        (folder / name / without).unlink()
    shutil.copytree(folder / "tiny", folder / "foreign")
    config = json.loads((folder / "tiny" / "config.json").read_text())
    config["intermediate_size"] *= 2
    (folder / "foreign" / "config.json").write_text(json.dumps(config))


def write(folder: Path, *, ends: bool = True) -> None:
    codec, tokenizer = ear(), words()
    codec.save_pretrained(folder / "codec")
    extractor = DacFeatureExtractor(sampling_rate=24_000, hop_length=1)
    extractor.save_pretrained(folder / "codec")
    codec.name_or_path = "bosonai/higgs-audio-v2-tokenizer"
    HiggsAudioV2Processor(
        feature_extractor=extractor,
        tokenizer=tokenizer,
        audio_tokenizer=codec,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    model = HiggsAudioV2ForConditionalGeneration(configuration(tokenizer, layers=1 if ends else 16))
    with torch.no_grad():
        wire(model, ends=ends)
    model.generation_config.ras_win_len = 7
    model.generation_config.ras_win_max_num_repeat = 2
    model.save_pretrained(folder)


def ear() -> Any:
    """25 frames a second, as the true one."""
    config = HiggsAudioV2TokenizerConfig(
        target_bandwidths=[0.5, 1, 1.5, 2],
        codebook_dim=8,
        acoustic_model_config=DacConfig(
            encoder_hidden_size=4,
            downsampling_ratios=[8, 5, 4, 2, 3],
            decoder_hidden_size=64,
            upsampling_ratios=[8, 5, 4, 2, 3],
            hidden_size=16,
        ),
        semantic_model_config=HubertConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            conv_dim=(8,) * 7,
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
            mask_time_prob=0.0,
        ),
    )
    codec = HiggsAudioV2TokenizerModel(config)
    for name, value in codec.named_parameters():
        # To be heard: as it is made it is all but silent, and its words are all the same.
        if value.dim() > 1 and name.startswith(("acoustic_", "fc")):
            torch.nn.init.xavier_uniform_(value, gain=1.0)
    with torch.no_grad():
        codec.acoustic_decoder.conv2.weight.mul_(0.05)
    for name, value in codec.named_buffers():
        if name.endswith("embed"):
            value.normal_()
    return codec


def words() -> Any:
    """A token for each byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(MARKS))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=MARKS[1], pad_token=MARKS[0]
    )


def configuration(tokenizer: Any, *, layers: int) -> Any:
    ids = tokenizer.convert_tokens_to_ids(list(MARKS))
    return HiggsAudioV2Config(
        vocab_size=len(tokenizer),
        hidden_size=CHANNELS,
        intermediate_size=CHANNELS,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=16,
        max_position_embeddings=8192,
        codebook_size=SIZE,
        num_codebooks=BOOKS,
        pad_token_id=ids[0],
        bos_token_id=ids[0],
        eos_token_id=ids[1],
        audio_token_id=ids[2],
        audio_bos_token_id=ids[3],
        audio_delay_token_id=ids[5],
    )


def wire(model: Any, *, ends: bool) -> None:
    """The first half of the channels says which token of the first codebook was last."""
    half = CHANNELS // 2
    body, head = model.model, model.audio_lm_head.weight
    words, sounds = body.embed_tokens.weight, body.embed_audio_tokens.embed_audio_tokens.weight
    words[:, :half] = 0
    sounds[:, :half] = 0
    for layer in body.layers:
        layer.mlp.down_proj.weight.zero_()
        layer.audio_mlp.down_proj.weight.zero_()
        layer.self_attn.o_proj.weight.mul_(5 if layer is body.layers[0] else 0)
        layer.self_attn.o_proj.weight[:half] = 0
    head.mul_(60)
    head[:SIZE, :] = 0
    head[SIZE:, :half] = 0
    for book in range(1, BOOKS):  # they end when the first one does
        head[book * SIZE + START : (book + 1) * SIZE, :half] = -40
    chain = [START, *range(FRAMES), END if ends else 0]
    for at, (last, following) in enumerate(pairwise(chain)):
        sounds[last, at] = 20
        head[following, at] += 40


if __name__ == "__main__":
    main(Path(sys.argv[1]))
