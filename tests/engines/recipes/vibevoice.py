"""Tiny VibeVoice models with the true code, into the folder of argv[1].

They are random, but for the lengths: one channel is -0.1 for a token of text and 1 for what was
spoken, the only layer takes its mean, and the head of the tokens ends the speech when that is above
0: after a tenth of the tokens of the text. `endless` never does. `foreign` has parts of another
shape, `lacking` and `half` lack files.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import (
    Qwen2Config,
    Qwen2Tokenizer,
    VibeVoiceAcousticTokenizerConfig,
    VibeVoiceAcousticTokenizerEncoderConfig,
    VibeVoiceAcousticTokenizerFeatureExtractor,
    VibeVoiceConfig,
    VibeVoiceForConditionalGeneration,
    VibeVoiceProcessor,
)

CHANNELS = 64
TEXT, SPOKEN = -0.1, 1.0
"""In the first channel, of vectors of length 1."""
MARKS = ("<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
TEMPLATE = """{%- set voices = messages | map(attribute='content') | sum(start=[]) -%}
Read this.
{%- if voices | selectattr('type', 'equalto', 'audio') | list %}
Voice:<|vision_start|><|vision_pad|><|vision_end|>
{%- endif %}
{%- for message in messages %}
{%- for part in message['content'] if part['type'] == 'text' %}
Speaker {{ message['role'] }}: {{ part['text'] }}
{%- endfor %}
{%- endfor %}
Speech:<|vision_start|>"""


def main(folder: Path) -> None:
    write(folder / "tiny")
    write(folder / "endless", spoken=TEXT)
    for name, without in (("lacking", "chat_template.jinja"), ("half", "model.safetensors")):
        shutil.copytree(folder / "tiny", folder / name)
        (folder / name / without).unlink()
    shutil.copytree(folder / "tiny", folder / "foreign")
    config = json.loads((folder / "tiny" / "config.json").read_text())
    config["diffusion_head_config"]["intermediate_size"] *= 2
    (folder / "foreign" / "config.json").write_text(json.dumps(config))


def write(folder: Path, *, spoken: float = SPOKEN) -> None:
    tokenizer = words()
    VibeVoiceProcessor(
        feature_extractor=VibeVoiceAcousticTokenizerFeatureExtractor(),
        tokenizer=tokenizer,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    model = VibeVoiceForConditionalGeneration(configuration(tokenizer))
    with torch.no_grad():
        wire_text(model, spoken)
        wire_sound(model)
    # As published, but for the number of tokens.
    config = model.generation_config
    config.guidance_scale = 1.3
    config.noise_scheduler_class = "DPMSolverMultistepScheduler"
    config.noise_scheduler_config = {
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "v_prediction",
    }
    model.save_pretrained(folder)


def words() -> Any:
    """A token for each byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Qwen2Tokenizer(vocab={letter: at for at, letter in enumerate(letters)}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS[1:])})
    return tokenizer


def configuration(tokenizer: Any) -> Any:
    end, start, stop, sound = tokenizer.convert_tokens_to_ids(list(MARKS))
    small = {"num_filters": 2, "depths": [1] * 7}
    return VibeVoiceConfig(
        audio_config=VibeVoiceAcousticTokenizerConfig(hidden_size=8, **small),
        semantic_model_config=VibeVoiceAcousticTokenizerEncoderConfig(hidden_size=16, **small),
        text_config=Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=CHANNELS,
            intermediate_size=CHANNELS,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=4096,
            tie_word_embeddings=False,
        ),
        diffusion_head_config={"num_hidden_layers": 1, "intermediate_size": 128},
        pad_token_id=end,
        eos_token_id=end,
        audio_bos_token_id=start,
        audio_eos_token_id=stop,
        audio_token_id=sound,
    )


def wire_text(model: Any, spoken: float) -> None:
    """The first channel says what a vector is, the second what the mean of that is."""
    words = model.model.language_model.embed_tokens.weight
    words[:, :2] = 0
    words *= (1 - TEXT**2) ** 0.5 / words.norm(dim=1, keepdim=True)
    words[:, 0] = TEXT
    (layer,) = model.model.language_model.layers
    for part in (layer.self_attn.q_proj, layer.self_attn.k_proj):
        part.weight.zero_()
        part.bias.zero_()
    layer.self_attn.v_proj.weight.copy_(torch.eye(CHANNELS))
    layer.self_attn.v_proj.bias.zero_()
    layer.self_attn.o_proj.weight.copy_(torch.eye(CHANNELS))
    layer.self_attn.o_proj.weight[:2] = 0
    layer.self_attn.o_proj.weight[1, 0] = 1
    layer.mlp.down_proj.weight.zero_()
    model.lm_head.weight.zero_()
    model.lm_head.weight[model.config.audio_token_id, 1] = -1
    model.lm_head.weight[model.config.eos_token_id, 1] = 1
    # Of all that is heard a little, so that voices differ; only what it speaks is marked as spoken.
    for part in (model.model.multi_modal_projector, model.model.semantic_connector):
        part.linear_2.weight.mul_(0.05)
        part.linear_2.weight[:2] = 0
        part.linear_2.bias.zero_()
    model.model.semantic_connector.linear_2.bias[0] = spoken


def wire_sound(model: Any) -> None:
    """To be heard: as it is made, the decoder is all but silent."""
    for name, value in model.model.audio_tower.named_parameters():
        if name.endswith("weight") and value.dim() > 1:
            torch.nn.init.xavier_uniform_(value, gain=1.2)
    torch.nn.init.xavier_uniform_(model.model.diffusion_head.cond_proj.weight, gain=4)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
