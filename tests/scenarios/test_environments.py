"""An engine that needs other packages than the gateway has runs in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import httpx2
import psutil
import pytest

from stentor.storage.locks import LOCKS
from tests.conftest import StartServer
from tests.scenarios.models import service, taken
from tests.servers import Server
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
BODY = {"model": "counting", "input": "One."}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / "counter.py").write_text(ENGINE)
    return engines


def begun(*arguments: str, config: Path, data: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "stentor.cli.main", *arguments],
        env=_environment(config, data),
        stderr=subprocess.DEVNULL,
    )


def stentor(
    *arguments: str, config: Path, data: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stentor.cli.main", *arguments],
        env={**_environment(config, data), **(env or {})},
        capture_output=True,
        text=True,
        timeout=110,
    )


def _environment(config: Path, data: Path) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
    return {**clean, "STENTOR_CONFIG": str(config), "STENTOR_DATA_DIR": str(data)}


def environments(data: Path) -> list[Path]:
    return [path for path in (data / "environments").iterdir() if path.name != LOCKS]


def test_it_is_pulled_and_then_speaks(start_server: StartServer, folder: Path) -> None:
    assert OWN != OTHER
    server = start_server(CONFIG.format(folder=folder, more=""))
    missing = server.http.post("/v1/audio/speech", json=BODY)
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
    (environment,) = environments(data)
    assert voices[0]["name"] == str(environment)
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200

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


def built_and_unloaded(start_server: StartServer, folder: Path) -> tuple[Server, Path]:
    """A server that may build, and the environment of what it has spoken with."""
    server = start_server(CONFIG.format(folder=folder, more="pull_on_request = true"))
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200
    server.http.post("/api/models/counting/unload")
    (environment,) = environments(server.folder / "data")
    return server, environment


def test_an_environment_of_an_older_stentor_gets_the_new_sdk(
    start_server: StartServer, folder: Path
) -> None:
    server, environment = built_and_unloaded(start_server, folder)
    (contract,) = environment.glob("lib/python*/site-packages/stentor_engine/contract.py")
    contract.write_text("raise ImportError('too old')")
    complete = environment / "complete.json"
    complete.write_text(json.dumps({**json.loads(complete.read_text()), "sdk": "older"}))
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200
    assert "too old" not in contract.read_text()
    assert not list(environment.glob("sdk-*"))


def lose(environment: Path, *names: str) -> None:
    """Packages, with all that tells of them."""
    (site,) = environment.glob("lib/python*/site-packages")
    for name in names:
        (info,) = site.glob(f"{name}-*.dist-info")
        for folder in (site / name, info):
            shutil.rmtree(folder)


@pytest.mark.parametrize("lost", [("num2words",), ("num2words", "numpy")])
def test_a_damaged_environment_is_told_of_and_built_anew(
    start_server: StartServer, folder: Path, lost: tuple[str, ...]
) -> None:
    """With what its engine imports gone, and with what its worker imports gone."""
    server = start_server(CONFIG.format(folder=folder, more=""))
    config, data = server.folder / "stentor.toml", server.folder / "data"
    assert stentor("models", "pull", "counting", config=config, data=data).returncode == 0
    (environment,) = environments(data)
    lose(environment, *lost)

    refused = server.http.post("/v1/audio/speech", json=BODY)
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert error["code"] == "model_unavailable"
    assert re.search(
        r"its environment is damaged, num2words\S* and \d+ more are gone: "
        r"stentor models pull counting$",
        error["message"],
    )
    assert "dependencies" not in error["message"]

    pulled = stentor("models", "pull", "counting", config=config, data=data)
    assert pulled.returncode == 0, pulled.stderr
    assert "its environment is damaged, and built anew: num2words" in pulled.stderr
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200
    assert environments(data) == [environment]
    again = stentor("models", "pull", "counting", config=config, data=data)
    assert len(again.stderr.splitlines()) == 1


def test_a_worker_outlives_that_its_environment_is_built_anew(
    start_server: StartServer, folder: Path
) -> None:
    """What it imports late comes from the new one; a build that fails leaves it the old one."""
    late = "def synthesize(self, call):\n        import num2words.lang_DE\n"
    source = ENGINE.replace("import num2words\n", "").replace("def synthesize(self, call):\n", late)
    (folder / "counter.py").write_text(source)
    server = start_server(CONFIG.format(folder=folder, more=""))
    config, data = server.folder / "stentor.toml", server.folder / "data"
    assert stentor("models", "pull", "counting", config=config, data=data).returncode == 0
    server.http.post("/api/models/counting/load")
    pids = server.workers()
    (environment,) = environments(data)
    lose(environment, "num2words")

    nothing = {"UV_OFFLINE": "1", "UV_NO_CACHE": "1"}
    failed = stentor("models", "pull", "counting", config=config, data=data, env=nothing)
    assert failed.returncode == 1
    assert environments(data) == [environment]
    pulled = stentor("models", "pull", "counting", config=config, data=data)
    assert pulled.returncode == 0, pulled.stderr
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200
    assert server.workers() == pids


def test_a_server_that_may_build_mends_what_did_not_start(
    start_server: StartServer, folder: Path
) -> None:
    server, environment = built_and_unloaded(start_server, folder)
    lose(environment, "num2words")
    refused = server.http.post("/v1/audio/speech", json=BODY)
    assert "its environment is damaged" in refused.json()["error"]["message"]
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200


def test_harm_that_nobody_sees(start_server: StartServer, folder: Path) -> None:
    """A file that is there, and is another one."""
    server, environment = built_and_unloaded(start_server, folder)
    config, data = server.folder / "stentor.toml", server.folder / "data"
    (module,) = environment.glob("lib/python*/site-packages/wyoming/event.py")
    module.unlink()  # uv's cache has the same file
    module.write_text("raise ImportError('harmed')")
    refused = server.http.post("/v1/audio/speech", json=BODY)
    assert refused.status_code == 503
    assert refused.json()["error"]["message"].endswith(
        "the worker ended before it listened; its environment may be damaged: "
        "stentor models pull counting --anew"
    )
    pulled = stentor("models", "pull", "counting", "--anew", config=config, data=data)
    assert pulled.returncode == 0, pulled.stderr
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200


def test_a_lost_sdk_is_put_back(start_server: StartServer, folder: Path) -> None:
    server, environment = built_and_unloaded(start_server, folder)
    (sdk,) = environment.glob("lib/python*/site-packages/stentor_engine")
    shutil.rmtree(sdk)
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200


def test_a_first_request_may_pull_it(start_server: StartServer, folder: Path) -> None:
    """Two at once share one installation."""
    server = start_server(CONFIG.format(folder=folder, more="pull_on_request = true"))
    client = server.client()
    speech = client.audio.speech.create(model="counting", voice="alloy", input="One.")
    assert len(speech.content) > 1_000
    assert len(environments(server.folder / "data")) == 1


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
    assert environments(data) == []
    unknown = stentor("models", "pull", "nobody", config=config, data=data)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "nobody" in unknown.stderr


SLOW = """
import os, time
from pathlib import Path

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    Path(__file__).with_name("pid").write_text(str(os.getpid()))
    time.sleep(600)
"""
PROJECT = """
[build-system]
requires = []
build-backend = "slow"
backend-path = ["."]
[project]
name = "slow"
version = "1"
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_pull_that_is_ended(tmp_path: Path, folder: Path, number: signal.Signals) -> None:
    """While a package builds itself: nothing goes on, and nothing stays on the disk for ever."""
    package, data, config = tmp_path / "slow", tmp_path / "data", tmp_path / "stentor.toml"
    package.mkdir()
    (package / "slow.py").write_text(SLOW)
    (package / "pyproject.toml").write_text(PROJECT)
    needed = ENGINE.replace(f"num2words=={OTHER}", f"slow @ {package.as_uri()}")
    (folder / "counter.py").write_text(needed)
    config.write_text(CONFIG.format(folder=folder, more=""))
    with begun("models", "pull", "counter", config=config, data=data) as pulling:
        try:
            pid = until(lambda: _told(package / "pid"), "it builds itself", timeout=60)
            assert "nothing to remove" in _unused(config, data)  # it is in the making
            pulling.send_signal(number)
            assert pulling.wait(20) != 0
        finally:
            pulling.kill()
    until(lambda: not psutil.pid_exists(pid), "it has ended")
    if number == signal.SIGINT:
        assert environments(data) == []
    else:
        assert len(environments(data)) == 1
        assert "was not built to its end" in _unused(config, data)
        assert environments(data) == []


def _told(file: Path) -> int:
    return int(file.read_text() or 0) if file.exists() else 0


def _unused(config: Path, data: Path) -> str:
    return stentor("models", "remove", "--unused", "--yes", config=config, data=data).stderr
