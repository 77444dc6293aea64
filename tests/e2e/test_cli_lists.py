"""`stentor models` and `voices`, and what all commands share."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import player, stentor
from tests.servers import Server

CONFIG = """
[models.talk]
aliases = ["chatter"]
backends = [{ engine = "echo" }]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG) as running:
        yield running


@pytest.fixture(params=["alone", "server"])
def url(request: pytest.FixtureRequest, server: Server) -> dict[str, str]:
    if request.param == "server":
        return {"STENTOR_URL": server.url}
    return {"STENTOR_CONFIG": str(server.folder / "stentor.toml")}


def test_models(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor("models", "--json", cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    models = {model["name"]: model for model in json.loads(done.stdout)}
    assert set(models) == {"talk", "espeak", "pocketsphinx"}
    assert models["talk"]["aliases"] == ["chatter"]
    assert models["talk"]["state"] == "stopped"
    assert models["talk"]["memory_bytes"] is None
    assert models["talk"]["disk_bytes"] == (None if "STENTOR_URL" in url else 0)
    assert {name: model["task"] for name, model in models.items()} == {
        "talk": "speech",
        "espeak": "speech",
        "pocketsphinx": "transcription",
    }
    assert [name for name, model in models.items() if model["default"]] == [
        "espeak",
        "pocketsphinx",
    ]
    lines = stentor("models", cwd=tmp_path, env=url).stdout.decode().splitlines()
    assert [line.split("\t")[:4] for line in lines] == [
        ["talk", "speech", "", "stopped"],
        ["espeak", "speech", "yes", "stopped"],
        ["pocketsphinx", "transcription", "yes", "stopped"],
    ]


def test_voices(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor("voices", "--model", "chatter", cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [
        "middle\tMiddle\t\t\ttalk",
        "low\tLow\t\t\ttalk",
        "high\tHigh\t\t\ttalk",
    ]


def test_voices_of_a_language(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor(
        "voices", "--model", "espeak", "--language", "pt", "--json", cwd=tmp_path, env=url
    )
    voices = json.loads(done.stdout)
    assert voices
    for voice in voices:
        assert any(tag.lower().startswith("pt") for tag in voice["languages"])
        assert voice["model"] == "espeak"


def test_voices_are_heard(tmp_path: Path, url: dict[str, str]) -> None:
    played = tmp_path / "played"
    env = url | player(tmp_path, f"cat >> {played}")
    one = stentor("voices", "--model", "talk", "--play", "low", cwd=tmp_path, env=env)
    assert one.returncode == 0, one.stderr
    assert one.stderr == b"low: Low\n"
    size = played.stat().st_size
    assert size > 24_000
    every = stentor("voices", "--model", "talk", "--play-all", cwd=tmp_path, env=env)
    assert every.returncode == 0, every.stderr
    assert every.stderr.decode().splitlines() == ["middle: Middle", "low: Low", "high: High"]
    assert played.stat().st_size > 3 * size
    nobody = stentor("voices", "--model", "talk", "--play", "nobody", cwd=tmp_path, env=env)
    assert nobody.returncode == 1
    assert nobody.stderr.count(b"\n") == 1


def test_a_table_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    env = {"TERM": "xterm", "COLUMNS": "120"}
    done = stentor("models", cwd=tmp_path, env=env, stdout=theirs)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert "Aliases" in text
    assert "0.0 MiB" in text
    assert "espeak" in text
    assert "\t" not in text


@pytest.mark.parametrize("arguments", [["--help"], ["say", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from stentor.cli.main import app\n"
        f"try: app({arguments})\n"
        "except SystemExit: pass\n"
        "heavy = {'av', 'fastapi', 'httpx2', 'numpy', 'rich', 'stentor.config', 'structlog'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert done.stdout.splitlines()[-1] == "heavy: []"
