from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stentor.cli.imports import yapit
from stentor.cli.imports.render import rendered
from stentor.cli.imports.served import loaded
from stentor.cli.imports.settle import settled, told
from tests.unit.imports.written import ENGINES, tables

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

[models.kokoro-cpu]

# (!) the worker at http://kokoro-cpu:8000 answers POST /synthesize, which no kind of backend \
speaks: Stentor's own engine speaks in its place
[[models.kokoro-cpu.backends]]
kind = "engine"
engine = "kokoro"
max_parallel = 2

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
    assert set(loaded(text).models) == {"kokoro-cpu"}
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
