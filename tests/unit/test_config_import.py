from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stentor.cli import config_import
from stentor.cli.failure import UsageError
from stentor.cli.imports import env_file, local_ai, voice_stack, yapit
from stentor.cli.imports.recognise import recognised
from stentor.cli.imports.render import MARK, one_line, rendered
from stentor.cli.imports.served import kinds, loaded, refusal
from stentor.cli.imports.settle import settled, told
from stentor.cli.imports.tree import Imported
from stentor.lifecycle.catalog import bundled_engines

ENGINES = {
    "chatterbox-turbo": ("cuda", "cpu"),
    "faster-whisper": ("cuda", "cpu"),
    "kokoro": ("cpu",),
    "whisper": ("cuda", "cpu"),
    "xtts-v2": ("cuda", "cpu"),
}


def written(found: Imported, name: str = "models.json") -> tuple[str, list[str]]:
    """The text, and what is told beside it."""
    final = settled(found, partial(refusal, engines=ENGINES))
    text = rendered(final, name)
    loaded(text)
    return text, list(told(final))


def tables(text: str) -> Any:
    return tomllib.loads(text)


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


PROCESSORS = [
    {
        "slug": "kokoro-cpu",
        "processor": "yapit.gateway.processors.tts.local.LocalProcessor",
        "worker_url": "http://kokoro-cpu:8000",
        "max_parallel": 2,
    },
    {
        "model": "higgs",
        "mode": "server",
        "backend": {"processor": "a.LocalProcessor", "worker_url": "http://higgs:8000"},
        "overflow": {"processor": "b.RunpodProcessor", "runpod_endpoint_id": "abc"},
    },
    {"model": "inworld", "backend": {"processor": "c.InworldProcessor", "inworld_model": "max"}},
]
FROM_PROCESSORS = """\
# Written by `stentor config import` from tts_processors.json, of Yapit.
# (!) is before what was not carried over, or needs a look.

# [models.kokoro-cpu]

# (!) Not served: the worker at http://kokoro-cpu:8000 answers POST /synthesize, which no kind of \
backend speaks; Stentor's own engine could speak
# [[models.kokoro-cpu.backends]]
# kind = "engine"
# engine = "kokoro"
# max_parallel = 2

# [models.higgs]

# (!) Not served: the worker at http://higgs:8000 answers POST /synthesize, which no kind of \
backend speaks
# [[models.higgs.backends]]
# kind = "openai"
# url = "http://higgs:8000"

# Yapit sends jobs here that waited; Stentor, when those before fail
# (!) Not served: kind "runpod" is not served
# [[models.higgs.backends]]
# kind = "runpod"
# endpoint_id = "abc"
# api_key_env = "RUNPOD_API_KEY"

# [models.inworld]

# (!) not known here: inworld_model
# (!) Not served: no kind of backend is the equal of processor "InworldProcessor"
"""


def without_clouds(backend: Mapping[str, Any]) -> str:
    """As long as there are none."""
    kind = backend["kind"]
    return f'kind "{kind}" is not served' if kind in ("openai", "runpod") else ""


def test_processors_of_yapit() -> None:
    final = settled(yapit.imported(PROCESSORS, ENGINES), without_clouds)
    text = rendered(final, "tts_processors.json")
    assert text == FROM_PROCESSORS
    assert set(loaded(text).models) == set()
    assert len(list(told(final))) == 5


def test_what_is_a_comment_would_be_toml() -> None:
    """Whoever takes the marks away gets tables."""
    found = settled(yapit.imported(PROCESSORS, ENGINES), without_clouds)
    text = re.sub(r"^# (?=\[|\w+ = )", "", rendered(found, "x"), flags=re.M)
    models = tables(text)["models"]
    assert models["kokoro-cpu"]["backends"] == [
        {"kind": "engine", "engine": "kokoro", "max_parallel": 2}
    ]
    assert [each["kind"] for each in models["higgs"]["backends"]] == ["openai", "runpod"]


def test_a_kind_is_live_as_soon_as_it_is_served() -> None:
    found = settled(yapit.imported(PROCESSORS[1:2], ENGINES), lambda backend: "")
    (backend,) = tables(rendered(found, "x"))["models"]["higgs"]["backends"]
    assert backend == {"kind": "runpod", "endpoint_id": "abc", "api_key_env": "RUNPOD_API_KEY"}


def test_processors_of_one_slug_are_backends_of_one_model() -> None:
    found = yapit.imported([PROCESSORS[0], PROCESSORS[0]], ENGINES)
    assert [len(model.backends) for model in found.models] == [2]


VOICE_STACK = """\
LOG_LEVEL=INFO
HOST=0.0.0.0
ASR_PORT=5001
TTS_PORT=5002
CORS_ORIGINS=http://localhost:3000, http://127.0.0.1:3000
MAX_UPLOAD_SIZE_MB=100
ASR_ENGINE=whisper # fasterwhisper|whisper
ASR_DEVICE=mps
ASR_MODEL=medium
ASR_CPU_THREADS=10
ASR_COMPUTE_TYPE=int8
ASR_VAD_ENABLED=true
ASR_IDLE_TIMEOUT_MINUTES=60
TTS_DEVICE=cuda
TTS_IDLE_TIMEOUT_MINUTES=0
TTS_MAX_CONCURRENT_REQUESTS=2
WHATEVER=secret
what is this
"""
FROM_VOICE_STACK = """\
# Written by `stentor config import` from .env, of Voice Stack.
# (!) is before what was not carried over, or needs a look.

# ASR_VAD_ENABLED: as it is here
# (!) ASR_COMPUTE_TYPE: this engine has no such option
# (!) not known here: WHATEVER

# (!) HOST 0.0.0.0 is served with a key only: set STENTOR_API_KEY
# port is ASR_PORT
# (!) TTS_PORT 5002: all is at one port, 5001
[server]
host = "0.0.0.0"
port = 5001
cors_origins = ["http://localhost:3000", "http://127.0.0.1:3000"]
max_upload_mb = 100
log_level = "info"

[models.whisper-medium]
aliases = ["medium"]
weights = "medium"
idle_timeout = "60m"

# (!) ASR_DEVICE mps: whisper does not run on it; auto takes the best
[[models.whisper-medium.backends]]
kind = "engine"
engine = "whisper"
options = {threads = 10}

[models.xtts-v2]
aliases = ["xtts_v2", "tts_models/multilingual/multi-dataset/xtts_v2"]
idle_timeout = "never"

[[models.xtts-v2.backends]]
kind = "engine"
engine = "xtts-v2"
device = "cuda"
max_parallel = 2
"""


def test_variables_of_voice_stack() -> None:
    variables = env_file.parsed(VOICE_STACK)
    assert variables.unread == (18,)
    text, said = written(voice_stack.imported(variables.values, ENGINES), ".env")
    assert text == FROM_VOICE_STACK
    assert "secret" not in text + "".join(said)
    assert len(said) == text.count(f"# {MARK}") - 1


@pytest.mark.parametrize(
    ("mode", "port"), [({}, 5001), ({"SERVICE_MODE": "tts"}, 5002), ({"SERVICE_MODE": "asr"}, 5001)]
)
def test_the_port_of_the_service_that_is_chosen(mode: dict[str, str], port: int) -> None:
    env = {"ASR_PORT": "5001", "TTS_PORT": "5002", **mode}
    text, _ = written(voice_stack.imported(env, ENGINES))
    assert tables(text) == {"server": {"port": port}}


def test_options_are_those_of_the_engines() -> None:
    """Their files are read, not run: they need packages of their own."""
    for file, wanted in {
        "faster_whisper.py": {"beam_size", "threads", "compute_type"},
        "whisper.py": {"beam_size", "threads"},
    }.items():
        tree = ast.parse((bundled_engines() / file).read_text(encoding="utf-8"))
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert wanted <= texts


def test_a_model_that_no_engine_speaks_is_a_comment() -> None:
    env = {"TTS_MODEL": "tts_models/en/ljspeech/vits", "HOST": "127.0.0.1"}
    text, said = written(voice_stack.imported(env, ENGINES))
    assert tables(text) == {"server": {"host": "127.0.0.1"}}
    assert any("tts_models/en/ljspeech/vits" in line for line in said)


def test_an_alias_never_means_two_models() -> None:
    data = {"models": [{"id": "kokoro", "type": "tts"}, {"id": "whisper", "type": "tts"}]}
    env = {"MODEL_ALIASES": "a=kokoro,a=whisper,kokoro=whisper"}
    text, said = written(local_ai.imported(data, env, ENGINES))
    models = tables(text)["models"]
    assert (models["kokoro"]["aliases"], models["whisper"]["aliases"]) == (["a"], [])
    assert len(said) == 2


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (json.dumps(CONTAINERS), "local-ai"),
        (json.dumps(CARDS), "local-ai"),
        (json.dumps(PROCESSORS), "yapit"),
        (VOICE_STACK, "voice-stack"),
        ("PORT=1\n", None),
        ("{}", None),
        ("[1]", None),
        ("3", None),
        ("", None),
    ],
)
def test_whose_it_is(text: str, source: str | None) -> None:
    assert recognised(text) == source


def test_wrong_values_are_told_and_left_out() -> None:
    data = {"m": {"container": "c", "port": "eighty", "type": "tts", "keep_warm": 7}, "n": 1}
    text, said = written(local_ai.imported(data, {"IDLE_TIMEOUT": "soon"}, ENGINES))
    assert [backend.kind for backend in loaded(text).models["m"].backends] == ["container"]
    for word in ("eighty", "keep_warm", "soon", "n is not an object"):
        assert any(word in line for line in said), word


def test_a_comment_is_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u2028\u202ec") == "a\\u000ab\\u001b[31m\\u2028\\u202ec"
    assert one_line("é ☃ 語") == "é ☃ 語"


def test_kinds_are_read_from_the_configuration() -> None:
    assert {"engine", "container"} <= kinds()


# Whatever stands in a file

TEXTS = st.text(max_size=20) | st.sampled_from(["8000", "true", "tts", "text", "a.LocalProcessor"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
PROCESSOR = {
    "processor": st.sampled_from(["a.LocalProcessor", "b.RunPodProcessor", "c"]) | JSON,
    "worker_url": TEXTS | JSON,
    "runpod_endpoint_id": TEXTS | JSON,
    "max_parallel": st.integers() | JSON,
}
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        **PROCESSOR,
        **dict.fromkeys(("container", "id", "slug", "hf_model", "quantization"), TEXTS | JSON),
        **dict.fromkeys(("port", "gpu_count", "vram_gb", "default_context"), st.integers() | JSON),
        "type": st.sampled_from(["tts", "text", "image"]) | JSON,
        "keep_warm": st.booleans() | JSON,
        "extra_args": st.lists(TEXTS) | JSON,
        "env_overrides": st.dictionaries(TEXTS, TEXTS) | JSON,
        "backend": st.fixed_dictionaries({}, optional=PROCESSOR) | JSON,
        "mode": st.just("server") | JSON,
        "unheard of": JSON,
    },
)
CASES = st.one_of(
    st.tuples(JSON, st.sampled_from(["local-ai", "yapit", None])),
    st.tuples(st.dictionaries(TEXTS, ENTRIES | JSON, min_size=1, max_size=4), st.just("local-ai")),
    st.tuples(st.builds(lambda cards: {"models": cards}, st.lists(ENTRIES)), st.just("local-ai")),
    st.tuples(st.lists(ENTRIES | JSON, min_size=1, max_size=4), st.just("yapit")),
)
PAIRS = st.sampled_from(
    ["IDLE_TIMEOUT=-1", "IDLE_TIMEOUT=\u0663", "MODE=x", "MODEL_ALIASES=a=b,=,c", "X=\x1b"]
)


@given(CASES, st.lists(PAIRS, max_size=3))
@example(({"\ud800": {"container": "c", "type": "tts"}}, "local-ai"), [])
@example(({"a": {"container": "c\ud800", "type": "tts"}}, None), [])
@example(({"": {"container": "c"}}, "local-ai"), [])
@example(({"a\nb": {"container": '"""\n', "type": "\n[x"}}, "local-ai"), [])
@example(({"models": [{"id": "a\n]", "hf_model": "x\n", "extra_args": ["\n"]}]}, None), [])
def test_any_json_gives_a_file_that_loads_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[Any, Any], env: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("import")
    file, output = folder / "in.json", folder / "out.toml"
    file.write_text(json.dumps(case[0]), encoding="utf-8")
    _imports_or_refuses(file, output, case[1], env)


@given(st.text(max_size=200) | st.binary(max_size=60))
@example("ASR_PORT=99999999999\nTTS_IDLE_TIMEOUT_MINUTES=\u0663\nASR_MODEL='\n'")
@example("[" * 100_000)
@example("1" * 5_000)
def test_so_does_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    folder = tmp_path_factory.mktemp("import")
    file, output = folder / "in", folder / "out.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    for source in ("local-ai", "yapit", "voice-stack", None):
        output.unlink(missing_ok=True)
        _imports_or_refuses(file, output, source, [])


def _imports_or_refuses(file: Path, output: Path, source: Any, env: list[str]) -> None:
    refused = None
    try:
        config_import.run(file, source=source, output=output, overwrite=False, env=env)
    except UsageError as error:
        refused = str(error)
    if refused is None:
        loaded(output.read_text(encoding="utf-8"))
    else:
        assert refused
        assert not output.exists()
