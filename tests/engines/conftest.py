"""Engines in their own environments, on models that their recipes make."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from stentor.lifecycle.catalog import bundled_engines, find_engines
from stentor.lifecycle.environments.build import renew_sdk
from stentor.lifecycle.environments.environment import Environment
from stentor.lifecycle.environments.store import Environments
from tests.servers import Server

pytest.register_assert_rewrite(
    *(f"tests.engines.{each}" for each in ("hang_up", "hearing", "refusals", "speaking")),
    "tests.contract.suite",
)

Serve = Callable[[str, str], AbstractContextManager[Server]]
"""A server for an engine, by its name, and a configuration; `{folder}` in it is the recipe's."""
Inside = Callable[..., Any]
"""What a script tells as JSON on its last line, run in the environment of an engine, by its name.
Its arguments are the engine's file and those that follow.
"""
BUILD_TIMEOUT = 1_800.0
RECIPE_TIMEOUT = 600.0
SCRIPT_TIMEOUT = 120.0
TORCH = os.environ.get("STENTOR_TEST_TORCH", "cpu")
LIGHT = (
    "test_kokoro",
    "test_piper",
    "test_faster_whisper",
    "test_parakeet",
    "test_weights",
    "test_contract_light",
)
"""Modules whose engines need no PyTorch and little time: they are part of `make test`."""
NOWHERE = "http://127.0.0.1:9"
RECIPES = Path(__file__).parent / "recipes"


def pytest_configure() -> None:
    """Threads that wait busily for one another take the cores from all else that a test runs."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder installs an engine's own packages; most of them gigabytes."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.path.stem not in LIGHT:
            item.add_marker(pytest.mark.engines)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `environments` in it: of STENTOR_TEST_ENVIRONMENTS, which is kept, or of the session."""
    kept = os.environ.get("STENTOR_TEST_ENVIRONMENTS")
    return Path(kept).absolute() if kept else tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def environment(data_dir: Path) -> Callable[[str], Environment]:
    """Of an engine, by its name: built, or built before."""

    def built(name: str) -> Environment:
        found = _pull(_file(name), data_dir)
        assert found is not None, f"the gateway has what {name} needs"
        renew_sdk(found)  # one that is kept may be of another day
        return found

    return built


@pytest.fixture(scope="session")
def recipe(
    environment: Callable[[str], Environment],
    data_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Path]:
    """The folder of models that an engine's recipe makes, once. A recipe with a script block of its
    own runs in the environment of that, others in the engine's.
    """
    made: dict[str, Path] = {}

    def cooked(name: str) -> Path:
        if name not in made:
            file = RECIPES / f"{name.replace('-', '_')}.py"
            folder = tmp_path_factory.mktemp(name)
            own = _pull(file, data_dir) if "# /// script" in file.read_text() else None
            python = str((own or environment(name)).python)
            # -I: a recipe has the name of a package, and must not be imported in its place.
            command = [python, "-I", str(file), str(folder)]
            subprocess.run(command, check=True, timeout=RECIPE_TIMEOUT, stdout=sys.stderr)
            made[name] = folder
        return made[name]

    return cooked


@pytest.fixture(scope="session")
def serve(
    environment: Callable[[str], Environment],
    recipe: Callable[[str], Path],
    data_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Serve:
    """With nothing in its caches, and no way to any hub."""

    @contextmanager
    def serving(name: str, config: str) -> Iterator[Server]:
        environment(name)
        folder, cache = recipe(name), str(tmp_path_factory.mktemp("cache"))
        offline = {"XDG_CACHE_HOME": cache, "HF_HOME": cache, "HF_ENDPOINT": NOWHERE}
        offline |= {"STENTOR_ENGINES__TORCH": TORCH}  # part of what an environment is found by
        offline |= dict.fromkeys(("https_proxy", "HTTPS_PROXY"), NOWHERE)
        offline |= {"STENTOR_DATA_DIR": str(data_dir)}
        with Server(config.format(folder=folder), **offline) as server:
            yield server

    return serving


@pytest.fixture(scope="module")
def server(serve: Serve, request: pytest.FixtureRequest) -> Iterator[Server]:
    """With the CONFIG of the test's module, for its ENGINE."""
    with serve(request.module.ENGINE, request.module.CONFIG) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def speech(client: openai.OpenAI) -> bytes:
    """A wav, spoken by the model `espeak` of the configuration."""
    return client.audio.speech.create(
        model="espeak",
        voice="alloy",
        input="A sentence to be heard by somebody.",
        response_format="wav",
    ).content


@pytest.fixture(scope="session")
def inside(environment: Callable[[str], Environment]) -> Inside:
    def ran(name: str, script: str, *arguments: str) -> Any:
        command = [str(environment(name).python), "-I", "-c", script, str(_file(name)), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, timeout=SCRIPT_TIMEOUT)
        return json.loads(done.stdout.splitlines()[-1])

    return ran


def _file(name: str) -> Path:
    return find_engines([bundled_engines()])[name]


def _pull(file: Path, data_dir: Path) -> Environment | None:
    environments = Environments(data_dir / "environments", torch=TORCH, timeout=BUILD_TIMEOUT)
    return asyncio.run(environments.pull(file, _told))


def _told(line: str) -> None:
    sys.stderr.write(f"{line}\n")
