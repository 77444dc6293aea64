"""Weights of one revision, and of one checksum."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from stentor.lifecycle.weights.checksum import Checksums
from tests.conftest import StartServer
from tests.hub import Hub
from tests.scenarios.weights.machine import Machine, contents

SMALL = f"sha256:{hashlib.sha256(b'small').hexdigest()}"
OTHER = f"sha256:{'0' * 64}"
LISTED = """
cd "$1" && find . -type f ! -path '*/.*' ! -path ./complete.json | sed 's|^[.]/||' |
LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum
"""


def configure(machine: Machine, keys: str) -> None:
    text = f"""
[engines]
paths = ['{machine.engines}']
[models.pinned]
{keys}
backends = [{{ engine = "reader" }}]
"""
    (machine.folder / "stentor.toml").write_text(text)


@pytest.mark.parametrize("weights", ["", 'weights = "small"', 'weights = "maker/small"'])
def test_a_revision_is_what_is_fetched(weights: str, machine: Machine, hub: Hub) -> None:
    repository = "maker/small" if weights else "maker/model"
    commit = hub.repositories[repository].commit
    configure(machine, f'revision = "{commit}"\n{weights}')
    pulled = machine.run("pull", "pinned")
    assert pulled.returncode == 0, pulled.stderr
    asked = [each.path for each in hub.asked if "/revision/" in each.path]
    assert asked == [f"/api/models/{repository}/revision/{commit}"]
    assert f"@{commit}" in machine.run("info", "pinned").stdout
    assert "nothing to remove" in machine.run("remove", "--unused", "--yes").stderr
    assert machine.run("remove", "pinned", "--yes").returncode == 0
    assert machine.weights == []


def test_a_revision_that_is_not_there(machine: Machine) -> None:
    configure(machine, 'revision = "0123abc"\nweights = "maker/small"')
    refused = machine.run("pull", "pinned")
    assert refused.returncode == 1
    assert "has no such revision" in refused.stderr


def test_what_was_fetched_is_compared(machine: Machine, hub: Hub) -> None:
    """It stays where it is, for models that want it so."""
    configure(machine, f'weights = "small"\nchecksum = "{SMALL.upper().replace("SHA", "sha")}"')
    pulled = machine.run("pull", "pinned")
    assert pulled.returncode == 0, pulled.stderr
    asked = len(hub.asked)
    configure(machine, f'weights = "small"\nchecksum = "{OTHER}"')
    refused = machine.run("pull", "pinned")
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        "the weights of 'pinned' are not those of its `checksum`: "
        f"{OTHER} is wanted, and {SMALL} was found\n"
    )
    assert len(hub.asked) == asked
    configure(machine, f'weights = "small"\nchecksum = "{SMALL}"')
    assert machine.run("pull", "pinned").returncode == 0


def test_weights_of_ones_own_are_compared(machine: Machine) -> None:
    own = machine.folder / "own"
    own.mkdir()
    (own / "model.bin").write_bytes(b"small")
    for place in (own, own / "model.bin"):
        configure(machine, f'weights = "{place}"\nchecksum = "{SMALL}"')
        assert machine.run("pull", "pinned").returncode == 0
        configure(machine, f'weights = "{place}"\nchecksum = "{OTHER}"')
        refused = machine.run("pull", "pinned")
        assert refused.returncode == 1
        assert f"{OTHER} is wanted, and {SMALL} was found" in refused.stderr


@pytest.mark.anyio
async def test_the_checksum_of_several_files(machine: Machine) -> None:
    """As the guide has it told by a command; what changes is read again."""
    assert machine.run("pull", "reader").returncode == 0
    folder = machine.whole()
    assert len(contents(folder)) > 1
    (folder / ".cache").mkdir()
    (folder / ".cache" / "hidden").write_bytes(b"of nobody")
    checksums = Checksums()
    first = await checksums.of(folder)
    assert first == _listed(folder)
    (folder / "config.json").write_bytes(b"{}")
    assert await checksums.of(folder) == _listed(folder) != first


def _listed(folder: Path) -> str:
    command = ["sh", "-c", LISTED, "sh", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"sha256:{told.split()[0]}"


def test_a_server_compares_before_it_starts_an_engine(
    machine: Machine, start_server: StartServer
) -> None:
    own = machine.folder / "own"
    own.mkdir()
    (own / "model.bin").write_bytes(b"small")
    configure(machine, f'weights = "{own}"\nchecksum = "{SMALL}"')
    server = start_server((machine.folder / "stentor.toml").read_text())
    body = {"model": "pinned", "input": "One."}
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    server.http.post("/api/models/pinned/unload")
    (own / "model.bin").write_bytes(b"other")
    refused = server.http.post("/v1/audio/speech", json=body)
    assert refused.status_code == 503
    error = refused.json()["error"]
    assert error["code"] == "model_unavailable"
    assert f"{SMALL} is wanted, and sha256:" in error["message"]
    shutil.rmtree(own)
    assert "not there" in server.http.post("/v1/audio/speech", json=body).text


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            'revision = "v2"\nweights = "maker/model@v1"',
            "model 'pinned': the weights 'maker/model@v1' are of revision v1, and the model's "
            "`revision` is v2: leave one out",
        ),
        ('checksum = "md5:1"', "'md5:1' is no checksum: give sha256: and 64 hexadecimal digits"),
    ],
)
def test_a_mistake_of_the_configuration(keys: str, said: str, machine: Machine) -> None:
    configure(machine, keys)
    checked = machine.check()
    assert checked.returncode != 0
    assert said in checked.stderr


def test_a_checksum_of_nothing_is_a_mistake(machine: Machine) -> None:
    configure(machine, f'checksum = "{OTHER}"')
    file = machine.folder / "stentor.toml"
    file.write_text(file.read_text().replace('"reader"', '"espeak"'))
    checked = machine.check()
    assert checked.returncode != 0
    assert "its engine 'espeak' declares no weights that it could be of" in checked.stderr
