from __future__ import annotations

from stentor.cli.imports import local_ai
from stentor.cli.imports.served import loaded
from tests.unit.imports.written import ENGINES, tables, written

CONTAINERS = {
    "qwen-image-edit": {"container": "qwen-image-server", "port": 8005, "type": "image"},
    "chatterbox-turbo": {
        "container": "chatterbox-tts",
        "port": 8006,
        "type": "tts",
        "keep_warm": True,
    },
}
FROM_CONTAINERS = """\
# Written by `stentor config import` from models.json, of the local-ai manager.
# (!) is before what was not carried over, or needs a look.

# idle_timeout is IDLE_TIMEOUT
# start_timeout is START_TIMEOUT
[lifecycle]
idle_timeout = "600s"
start_timeout = "180s"

[models.qwen-image-edit]

# 8005 is published for 8000, where it listens inside
# type "image": reached as it is, under /upstream/qwen-image-edit/
[[models.qwen-image-edit.backends]]
kind = "container"
port = 8000
health = "/v1/models"
name = "qwen-image-server"
protocol = "none"

[models.chatterbox-turbo]
keep_warm = true

# 8006 is published for 8000, where it listens inside
[[models.chatterbox-turbo.backends]]
kind = "container"
port = 8000
health = "/v1/models"
name = "chatterbox-tts"
protocol = "openai"
task = "speech"
"""


def test_containers_of_local_ai() -> None:
    env = {"IDLE_TIMEOUT": "600", "START_TIMEOUT": "180"}
    assert written(local_ai.imported(CONTAINERS, env, ENGINES)) == (FROM_CONTAINERS, [])


def test_what_it_means_is_what_is_served() -> None:
    config = loaded(FROM_CONTAINERS)
    assert (config.lifecycle.idle_timeout, config.lifecycle.start_timeout) == (600, 180)
    speech = config.models["chatterbox-turbo"]
    assert speech.keep_warm
    assert [backend.kind for backend in speech.backends] == ["container"]


CARDS = {
    "models": [
        {
            "id": "qwen3-32b-awq",
            "name": "Qwen3 32B AWQ",
            "hf_model": "Qwen/Qwen3-32B-AWQ",
            "quantization": "awq",
            "type": "text",
            "vram_gb": 20,
            "gpu_count": 2,
            "default_context": 16384,
            "extra_args": ["--enable-auto-tool-choice"],
            "env_overrides": {"VLLM_USE_V1": 0},
        },
        {"id": "chatterbox-turbo", "hf_model": "r/c", "type": "tts", "vram_gb": 4},
        {"id": "f5-tts", "type": "tts", "vram_gb": 4},
    ]
}
FROM_CARDS = """\
# Written by `stentor config import` from models.json, of the local-ai manager.
# (!) is before what was not carried over, or needs a look.

# (!) MODEL_ALIASES: old=gone names no model

# IDLE_TIMEOUT is 0, which is never
[lifecycle]
idle_timeout = "never"

# name: said to people only
[models.qwen3-32b-awq]
aliases = ["big"]

# type "text": reached as it is, under /upstream/qwen3-32b-awq/
# (!) the manager gives it the machine's IPC; set shm_size if vLLM wants more
[[models.qwen3-32b-awq.backends]]
kind = "container"
image = "vllm/vllm-openai:latest"
pull = true
port = 8000
command = ["--model", "Qwen/Qwen3-32B-AWQ", "--host", "0.0.0.0", "--port", "8000", \
"--served-model-name", "qwen3-32b-awq", "--quantization", "awq", "--max-model-len", "16384", \
"--gpu-memory-utilization", "0.95", "--enforce-eager", "--tensor-parallel-size", "2", \
"--enable-auto-tool-choice"]
env = {HF_HOME = "/root/.cache/huggingface", VLLM_USE_V1 = "0"}
volumes = ["huggingface-cache:/root/.cache/huggingface", "local-models:/models:ro"]
gpus = ["0", "1"]
health = "/v1/models"
protocol = "none"
network = "ai-network"
memory = "20GB"

# vram_gb: Stentor's engine tells
[models.chatterbox-turbo]

# the card's weights are r/c; the engine has its own
[[models.chatterbox-turbo.backends]]
kind = "engine"
engine = "chatterbox-turbo"

# vram_gb: Stentor's engine tells
# [models.f5-tts]

# (!) Not served: Stentor has no such engine, and the card names no container
"""


def test_cards_of_local_ai() -> None:
    env = {
        "IDLE_TIMEOUT": "0",
        "MODEL_ALIASES": "big=qwen3-32b-awq,old=gone",
        "DOCKER_NETWORK": "ai-network",
    }
    text, said = written(local_ai.imported(CARDS, env, ENGINES))
    assert text == FROM_CARDS
    assert [line.split(":")[0] for line in said] == ["MODEL_ALIASES", "qwen3-32b-awq", "f5-tts"]


def test_the_default_model_of_one_that_is_always_on_is_kept_warm() -> None:
    env = {"MODE": "always-on", "DEFAULT_MODEL": "chatterbox-turbo", "IDLE_TIMEOUT": "600"}
    text, said = written(local_ai.imported({"models": CARDS["models"][1:2]}, env, ENGINES))
    assert tables(text)["lifecycle"] == {"idle_timeout": "never"}
    assert tables(text)["models"]["chatterbox-turbo"]["keep_warm"] is True
    assert said == []


def test_an_alias_never_means_two_models() -> None:
    data = {"models": [{"id": "kokoro", "type": "tts"}, {"id": "whisper", "type": "tts"}]}
    env = {"MODEL_ALIASES": "a=kokoro,a=whisper,kokoro=whisper"}
    text, said = written(local_ai.imported(data, env, ENGINES))
    models = tables(text)["models"]
    assert (models["kokoro"]["aliases"], models["whisper"]["aliases"]) == (["a"], [])
    assert len(said) == 2


def test_wrong_values_are_told_and_left_out() -> None:
    data = {"m": {"container": "c", "port": "eighty", "type": "tts", "keep_warm": 7}, "n": 1}
    text, said = written(local_ai.imported(data, {"IDLE_TIMEOUT": "soon"}, ENGINES))
    assert [backend.kind for backend in loaded(text).models["m"].backends] == ["container"]
    for word in ("eighty", "keep_warm", "soon", "n is not an object"):
        assert any(word in line for line in said), word
