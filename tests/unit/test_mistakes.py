"""Mistakes in the configuration, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stentor.cli.load import read_config
from stentor.config import Config, ConfigurationError

PROCESS = '[models.m]\nbackends = [{{ kind = "process", task = "speech", {} }}]'


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "stentor.toml"
    monkeypatch.setenv("STENTOR_CONFIG", str(file))
    monkeypatch.delenv("STENTOR_PORT", raising=False)
    return file


def refused() -> str:
    with pytest.raises(ConfigurationError) as error:
        read_config()
    return str(error.value).strip()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[server]\nprot = 1", "server.prot: there is no such key"),
        ("[models.m]", "models.m.backends: it must be given"),
        (
            '[models.m]\nbackends = [{ engine = "echo", devce = "cpu" }]',
            "models.m.backends.0.devce: there is no such key",
        ),
        (
            '[models.m]\nbackends = [{ kind = "engin", engine = "echo" }]',
            "models.m.backends.0: its kind is 'engin', which is none of "
            "'engine', 'process', 'container'",
        ),
        (
            PROCESS.format('command = "python server.py"'),
            'models.m.backends.0.command: it has to be a list, as ["python", "server.py"]',
        ),
        (
            PROCESS.format('command = ["x"], speed = [2.0, 0.5]'),
            "models.m.backends.0: speed is [slowest, fastest]",
        ),
        (
            "[server]\nsend_timeout = '-5s'",
            "server.send_timeout: '-5s' is no duration: give seconds, or such as \"90s\", "
            '"10m", "2h"',
        ),
        ("[lifecycle]\nidle_timeout = 'nevr'", "lifecycle.idle_timeout: 'nevr' is no duration"),
        (
            "[lifecycle]\nmemory_budget = { ram = '50%' }",
            "lifecycle.memory_budget.ram: '50%' is no size: give bytes, or such as \"6GB\"",
        ),
        ("[lifecycle]\nmemory_budget = { ram = -5 }", "lifecycle.memory_budget.ram: -5 is no size"),
        (
            "[lifecycle]\nmemory_budget = { gpu0 = '3GB' }",
            "'gpu0' is no device: there are ram, cuda:0, cuda:1, …",
        ),
    ],
)
def test_a_mistake_is_told_with_its_key(toml: Path, text: str, told: str) -> None:
    toml.write_text(text)
    assert told in refused()
    assert "\n" not in refused()


@pytest.mark.parametrize(
    ("given", "size"),
    [("12GB", 12 * 10**9), ("12 gb", 12 * 10**9), ("1.5GiB", 1.5 * 2**30), (7, 7), ("7", 7)],
)
def test_sizes(toml: Path, given: object, size: float) -> None:
    toml.write_text(f"[lifecycle]\nmemory_budget = {{ ram = {given!r} }}")
    assert Config().lifecycle.memory_budget == {"ram": size}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("STENTOR_SERVER__CORS_ORIGINS", "https://app.example"), ("STENTOR_MODELS", "{")],
)
def test_a_variable_that_is_no_json_is_named(
    toml: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    toml.write_text("")
    monkeypatch.setenv(variable, value)
    assert refused().startswith(f"{variable} is not JSON")
    assert value not in refused().removeprefix(variable)
