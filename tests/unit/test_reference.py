"""The example and the reference say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from stentor.config import Config

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "stentor.example.toml").read_text(encoding="utf-8")
NOT_A_DEFAULT = {
    "storage.data_dir",
    "lifecycle.cpu_threads",
    "models.espeak.weights",
    "models.espeak.backends.0.max_parallel",
    "models.espeak.idle_timeout",
    "models.espeak.memory_limit",
    "models.espeak.backends.0.memory",
}
"""What the example must show another value for: none, or another one on each machine."""


Load: TypeAlias = Callable[[str], Config]


@pytest.fixture
def config_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    def load(toml: str) -> Config:
        file = tmp_path / "stentor.toml"
        file.write_text(toml, encoding="utf-8")
        monkeypatch.setenv("STENTOR_CONFIG", str(file))
        return Config()

    return load


def uncommented(example: str) -> str:
    """A key is commented out without a space; prose has one."""
    return re.sub(r"^#(?=[^\s#])", "", example, flags=re.MULTILINE)


def leaves(tree: object, path: str = "") -> dict[str, object]:
    """From dotted paths to values; an empty table or list is a value."""
    if isinstance(tree, list) and tree and isinstance(tree[0], Mapping):
        tree = dict(enumerate(tree))
    if not (isinstance(tree, Mapping) and tree):
        return {path: tree}
    return {
        name: value
        for key, inner in tree.items()
        for name, value in leaves(inner, f"{path}.{key}".lstrip(".")).items()
    }


def test_as_it_is_the_example_changes_nothing(config_from: Load) -> None:
    assert config_from(EXAMPLE) == config_from("")


def test_its_keys_are_the_defaults(config_from: Load) -> None:
    shown = leaves(config_from(uncommented(EXAMPLE)).model_dump())
    defaults = leaves(config_from("").model_dump())
    differing = {key for key in defaults if shown[key] != defaults[key]}
    assert differing == NOT_A_DEFAULT


def test_it_shows_every_key(config_from: Load) -> None:
    shown = leaves(tomllib.loads(uncommented(EXAMPLE)))
    every = leaves(config_from("").model_dump(exclude={"models": {"pocketsphinx"}}))
    assert every.keys() <= shown.keys()


def test_generated_documents_have_not_drifted(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs" / "reference.py"), "--check"]
    environment = {"COLUMNS": "40", "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
