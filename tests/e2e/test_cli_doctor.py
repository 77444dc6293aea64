"""`stentor doctor`: alone, and beside a server that runs."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from stentor.cli.checks.served import candidate
from tests.e2e.command import stentor
from tests.scenarios.models import service, stands
from tests.servers import Server

ANY_PORT = {"STENTOR_PORT": "0"}
NOT_PULLED = """
[models.far]
backends = [{ engine = "kokoro" }]
"""
LACKS = "not pulled yet: stentor models pull far"
PULLS = "[engines]\npull_on_request = true\n" + NOT_PULLED


def diagnosed(folder: Path, **environment: str) -> dict[str, dict[str, str]]:
    """What doctor says, by what it is about; nothing of it is bad."""
    done = stentor("doctor", "--json", cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout
    return {finding["about"]: finding for finding in json.loads(done.stdout)}


def beside(server: Server) -> dict[str, str]:
    """The environment of a command on the server's machine."""
    return {
        "STENTOR_CONFIG": str(server.folder / "stentor.toml"),
        "STENTOR_DATA_DIR": str(server.folder / "data"),
        "STENTOR_PORT": server.url.rpartition(":")[2],
    }


def test_doctor(tmp_path: Path) -> None:
    (tmp_path / "stentor.toml").write_text(
        "[models.turner]\nbackends = [{ engine = 'echo-convert' }]\n"
        "[models.taker]\nbackends = [{ engine = 'echo-convert', options = { speaks = false } }]\n"
    )
    well = stentor("doctor", "--json", cwd=tmp_path, env=ANY_PORT)
    assert well.returncode == 0, well.stdout
    found = {finding["about"]: finding for finding in json.loads(well.stdout)}
    assert not [finding for finding in found.values() if finding["state"] == "bad"]
    assert "5 words in time" in found["espeak"]["what"]
    assert "three four five" in found["pocketsphinx"]["what"]
    assert "espeak" in found["tts-1"]["what"]
    assert found["turner"]["what"].startswith("converts; of what espeak said it made ")
    assert found["taker"]["what"] == found["turner"]["what"]
    assert "flac" in found["formats"]["what"]


def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "stentor.toml").write_text(
        '[models.broken]\nbackends = [{ engine = "echo", options = { load_fails = true } }]\n'
    )
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        ill = stentor(
            "doctor",
            cwd=tmp_path,
            env={
                "STENTOR_HOST": "127.0.0.1",
                "STENTOR_PORT": str(other.getsockname()[1]),
                "STENTOR_DATA_DIR": str(tmp_path / "file"),
                "STENTOR_URL": "http://127.0.0.1:9",
            },
        )
    assert ill.returncode == 1
    bad = [line for line in ill.stdout.decode().splitlines() if line.startswith("✗")]
    assert [line.split(":")[0] for line in bad] == [
        "✗ data folder",
        "✗ server",
        "✗ STENTOR_URL",
        "✗ broken",
    ]
    assert b"told to fail" in ill.stdout
    assert ill.stderr == b""
    wide = stentor("doctor", cwd=tmp_path, env={"STENTOR_HOST": "0.0.0.0", **ANY_PORT})
    assert wide.returncode == 1
    assert b"STENTOR_API_KEY" in wide.stdout


def test_what_is_not_pulled_is_neither_tried_nor_pulled(tmp_path: Path) -> None:
    (tmp_path / "stentor.toml").write_text(PULLS)
    data = tmp_path / "data"
    found = diagnosed(tmp_path, STENTOR_DATA_DIR=str(data), **ANY_PORT)
    assert found["far"]["state"] == "note"
    assert found["far"]["what"] == f"not tried: {LACKS}"
    assert found["espeak"]["what"].startswith("speaks")
    assert not data.exists()


def test_the_server_that_runs_tries_its_models_itself(tmp_path: Path) -> None:
    with Server("[models.turner]\nbackends = [{ engine = 'echo-convert' }]\n" + PULLS) as server:
        found = diagnosed(tmp_path, **beside(server))
        assert f"answers at {server.url}" in found["server"]["what"]
        assert found["tts-1"]["what"].startswith("means espeak")
        assert "5 words in time" in found["espeak"]["what"]
        assert "three four five" in found["pocketsphinx"]["what"]
        assert found["turner"]["what"].startswith("loads")
        assert found["far"]["what"] == f"not tried: {LACKS}"
        for model in ("espeak", "pocketsphinx", "turner"):
            assert stands(server, model) == "ready"
        assert service(server, "far")["idle_seconds"] is None  # nobody has asked for it
        assert stands(server, "far") == "stopped"


def test_a_pause_is_not_undone(tmp_path: Path) -> None:
    with Server() as server:
        server.http.post("/api/pause", json={"devices": ["cpu"]}).raise_for_status()
        found = diagnosed(tmp_path, **beside(server))
        assert found["espeak"] == {
            "state": "note",
            "about": "espeak",
            "what": "not tried: paused, with cpu",
            "advice": "stentor models resume",
        }
        assert found["echo-transcribe"]["what"] == found["espeak"]["what"]
        assert found["tts-1"]["what"].startswith("means espeak")
        assert not server.workers()


def test_a_server_that_lets_nobody_in_has_its_models_left_alone(tmp_path: Path) -> None:
    with Server(STENTOR_API_KEY="a-key-of-thirty-two-characters-ab") as server:
        done = stentor("doctor", cwd=tmp_path, env=beside(server))
        assert done.returncode == 1
        assert b"does not let these commands in" in done.stdout
        assert b"not tried, since the server does not tell" in done.stdout
        assert b"speaks (" not in done.stdout


def told(*devices: str | None, state: str = "stopped", missing: str = "") -> dict[str, Any]:
    """Of a server's status, a model with a backend on each device; None: elsewhere."""
    services = [device and {"device": device, "state": state} for device in devices]
    backends = [{"service": each} for each in services]
    return {"name": "m", "task": None, "aliases": [], "missing": missing, "backends": backends}


@pytest.mark.parametrize(
    ("model", "paused", "why_not"),
    [
        (told("cuda:0"), ["cuda"], "paused, with cuda"),
        (told("cuda:1"), ["cuda:0"], ""),
        (told("cuda:0", "cpu"), ["cuda"], ""),
        (told("cuda:0", None), ["cuda"], ""),
        (told("cpu", missing="not pulled yet"), [], "not pulled yet"),
        (told("cpu", missing="a start may pull", state="ready"), [], ""),
    ],
)
def test_which_models_of_a_server_are_tried(
    model: dict[str, Any], paused: list[str], why_not: str
) -> None:
    assert candidate(model, paused).why_not == why_not
