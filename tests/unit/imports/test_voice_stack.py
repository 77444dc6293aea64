from __future__ import annotations

import ast

import pytest

from stentor.cli.imports import env_file, voice_stack
from stentor.cli.imports.render import MARK
from stentor.lifecycle.catalog import bundled_engines
from tests.unit.imports.written import ENGINES, tables, written

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
