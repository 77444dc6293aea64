"""The suites that every engine must pass, on engines with packages of their own: each in a worker
in its environment, on a tiny model of its recipe.

A module that asks for them imports `engine` and `start`, and says by `name` which ones it means.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stentor.lifecycle.catalog import bundled_engines, declared, find_engines
from stentor.lifecycle.environments.environment import Environment
from stentor.lifecycle.workers.process import WorkerCommand
from stentor_engine.host import AnyEngine
from tests.contract import suite
from tests.contract.remote import remote
from tests.contract.suite import Start
from tests.engines.test_chatterbox import TINY


@dataclass(frozen=True)
class Model:
    """`folder`: of those that the recipe makes; `source`: of an engine's file, where it is not the
    bundled one that can load such a model; `engine`: its name, where it is not the model's."""

    recipe: str
    folder: str = "."
    source: str | None = None
    engine: str | None = None


MODELS = {
    "kokoro": Model("kokoro"),
    "piper": Model("piper"),
    "faster-whisper": Model("faster-whisper", "multilingual"),
    "parakeet": Model("parakeet", "tdt"),
    "whisper": Model("whisper", "multilingual"),
    "whisper-cpp": Model("whisper-cpp", "multilingual"),
    "moonshine": Model("moonshine", "words"),
    "moonshine-streaming": Model("moonshine", "streaming-words", engine="moonshine"),
    "pocket-tts": Model("pocket-tts", "tiny"),
    "xtts-v2": Model("xtts-v2", "tiny"),
    "vibevoice": Model("vibevoice", "tiny"),
    "higgs": Model("higgs", "tiny"),
    "zonos": Model("zonos", "tiny"),
    "chatterbox": Model("chatterbox", "base", TINY),
    "chatterbox-turbo": Model("chatterbox", "turbo", TINY),
    "chatterbox-multilingual": Model("chatterbox", "multilingual", TINY),
    "chatterbox-vc": Model("chatterbox", "base", TINY),
}
DEVICE = os.environ.get("STENTOR_TEST_DEVICE", "cpu")
OPTIONS = {"moonshine": {"arch": "tiny"}, "moonshine-streaming": {"arch": "tiny-streaming"}}


class SpeechSuite(suite.SpeechSuite):
    """Tiny models are shorter and as loud as chance made them."""

    lasts = (0.4, 10.0)
    level = 10.0
    examples = 25


@pytest.fixture(scope="module")
def start(
    name: str,
    environment: Callable[[str], Environment],
    recipe: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Start:
    model = MODELS[name]
    engine = model.engine or name
    engines = find_engines([bundled_engines()])
    devices = declared(engine, engines).devices
    if DEVICE.partition(":")[0] not in devices:
        pytest.skip(f"{engine} does not run on {DEVICE}: it runs on {', '.join(devices)}")
    file = engines[engine]
    if model.source is not None:
        file = tmp_path_factory.mktemp("engines") / "tiny.py"
        file.write_text(model.source)
    settings = {
        "device": DEVICE,
        "weights": str(recipe(model.recipe) / model.folder),
        "options": OPTIONS.get(name, {}),
    }
    python = str(environment(engine).python)
    return lambda: remote(WorkerCommand(engine, file, settings, python))


@pytest.fixture(scope="module")
def engine(start: Start) -> Iterator[AnyEngine]:
    with start() as started:
        yield started
