from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stentor.cli import config_import
from stentor.cli.failure import UsageError
from stentor.cli.imports.recognise import recognised
from stentor.cli.imports.render import one_line
from stentor.cli.imports.served import kinds, loaded
from tests.unit.imports.test_local_ai import CARDS, CONTAINERS
from tests.unit.imports.test_voice_stack import VOICE_STACK
from tests.unit.imports.test_yapit import PROCESSORS


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


def test_a_comment_is_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u2028\u202ec") == "a\\u000ab\\u001b[31m\\u2028\\u202ec"
    assert one_line("é ☃ 語") == "é ☃ 語"


def test_kinds_are_read_from_the_configuration() -> None:
    assert {"engine", "container"} <= kinds()


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
