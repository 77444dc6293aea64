"""An engine that needs other packages than the gateway has runs in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from tests.conftest import StartServer
from tests.scenarios.models import service, taken
from tests.wait import until

OWN, OTHER = version("num2words"), "0.5.13"
ENGINE = f"""
# /// script
# requires-python = ">=3.10"
# dependencies = ["numpy", "num2words=={OTHER}"]
# ///
import sys
from importlib.metadata import version

import num2words
import numpy as np

from stentor_engine import Capabilities, Settings, SpeechEngine, Voice


class Counter(SpeechEngine):
    name = "counter"

    def __init__(self, settings: Settings) -> None:
        told = version("num2words"), "fastapi" in sys.modules, sys.prefix
        voices = (Voice(told[0], sys.prefix),)
        self.capabilities = Capabilities("speech", 8_000, voices=voices, deterministic=True)

    def synthesize(self, call):
        yield np.full(8_000, 9_000, np.int16)
"""
CONFIG = """
[engines]
paths = ['{folder}']
{more}
[models.counting]
backends = [{{ engine = "counter" }}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / "counter.py").write_text(ENGINE)
    return engines


def stentor(
    *arguments: str, config: Path, data: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
    return subprocess.run(
        [sys.executable, "-m", "stentor.cli.main", *arguments],
        env={**clean, "STENTOR_CONFIG": str(config), "STENTOR_DATA_DIR": str(data), **(env or {})},
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_it_is_pulled_and_then_speaks(start_server: StartServer, folder: Path) -> None:
    assert OWN != OTHER
    server = start_server(CONFIG.format(folder=folder, more=""))
    body = {"model": "counting", "input": "One."}
    missing = server.http.post("/v1/audio/speech", json=body)
    assert missing.status_code == 503
    assert missing.json()["error"]["code"] == "model_unavailable"
    assert "stentor models pull counter" in missing.json()["error"]["message"]

    config, data = server.folder / "stentor.toml", server.folder / "data"
    pulled = stentor("models", "pull", "counting", config=config, data=data)
    assert pulled.returncode == 0, pulled.stderr
    assert f"num2words=={OTHER}" in pulled.stderr
    assert "counter: installed, " in pulled.stderr
    again = stentor("models", "pull", "counting", config=config, data=data)
    assert len(again.stderr.splitlines()) == 1  # there was nothing to do

    voices = server.http.get("/v1/audio/voices", params={"model": "counting"}).json()["voices"]
    assert [voice["id"] for voice in voices] == [OTHER]
    (environment,) = (data / "environments").iterdir()
    assert voices[0]["name"] == str(environment)
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200

    until(lambda: service(server, "counting")["used"], "its memory was measured")
    env = {"STENTOR_PORT": str(httpx2.URL(server.url).port)}
    listed = stentor("models", "--json", config=config, data=data, env=env)
    (told,) = [each for each in json.loads(listed.stdout) if each["name"] == "counting"]
    assert told["state"] == "ready"
    assert told["memory_bytes"] == pytest.approx(taken(server), rel=0.3)
    files = [path for path in environment.rglob("*") if not path.is_symlink() and path.is_file()]
    on_disk = sum(path.stat().st_size for path in files)
    assert told["disk_bytes"] == pytest.approx(on_disk, rel=0.1)
    more = json.loads(
        stentor("models", "info", "counting", "--json", config=config, data=data).stdout
    )
    (engine,) = more["engines"]
    assert (engine["environment_bytes"], engine["installed"]) == (told["disk_bytes"], True)


def test_an_environment_of_an_older_stentor_gets_the_new_sdk(
    start_server: StartServer, folder: Path
) -> None:
    server = start_server(CONFIG.format(folder=folder, more="pull_on_request = true"))
    body = {"model": "counting", "input": "One."}
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    server.http.post("/api/models/counting/unload")
    (environment,) = (server.folder / "data" / "environments").iterdir()
    (contract,) = environment.glob("lib/python*/site-packages/stentor_engine/contract.py")
    contract.write_text("raise ImportError('too old')")
    complete = environment / "complete.json"
    complete.write_text(json.dumps({**json.loads(complete.read_text()), "sdk": "older"}))
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    assert "too old" not in contract.read_text()
    assert not list(environment.glob("sdk-*"))


def test_a_first_request_may_pull_it(start_server: StartServer, folder: Path) -> None:
    """Two at once share one installation."""
    server = start_server(CONFIG.format(folder=folder, more="pull_on_request = true"))
    client = server.client()
    speech = client.audio.speech.create(model="counting", voice="alloy", input="One.")
    assert len(speech.content) > 1_000
    assert len(list((server.folder / "data" / "environments").iterdir())) == 1


def test_what_cannot_be_installed_is_told_and_leaves_nothing(
    start_server: StartServer, folder: Path
) -> None:
    (folder / "counter.py").write_text(ENGINE.replace(OTHER, "99.99"))
    server = start_server(CONFIG.format(folder=folder, more=""))
    config, data = server.folder / "stentor.toml", server.folder / "data"
    pulled = stentor("models", "pull", "counter", config=config, data=data)
    assert pulled.returncode == 1
    assert "99.99" in pulled.stderr
    assert pulled.stderr.count("error: ") == 1  # uv's own words, and not again at the end
    end = "what counter needs cannot be installed, as told above"
    assert pulled.stderr.endswith(f"stentor models pull: {end}\n")
    assert "Traceback" not in pulled.stderr
    assert list((data / "environments").iterdir()) == []
    unknown = stentor("models", "pull", "nobody", config=config, data=data)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "nobody" in unknown.stderr
