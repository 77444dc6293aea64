"""Weights come whole or not at all, whatever breaks on their way."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pty
import random
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments import Environments
from stentor.lifecycle.fetch import Progress, Waiting
from stentor.lifecycle.licences import Licences
from stentor.lifecycle.remote import Patience
from stentor.lifecycle.staging import COMPLETE
from stentor.lifecycle.weights import Wanted
from stentor.lifecycle.weights_store import WeightsStore
from stentor_engine.contract import Weights
from stentor_engine.loader import Declaration
from tests.conftest import StartServer
from tests.hub import Faults, Hub
from tests.servers import Server
from tests.wait import until, until_async

MIB = 2**20
FILES = {
    "config.json": b'{"layers": 4}',
    "model.bin": random.Random(1).randbytes(3 * MIB + 17),
    "deep/er/voice one.bin": random.Random(2).randbytes(300_000),
    "empty.txt": b"",
    "README.md": b"# A model\n",
    "large.safetensors": random.Random(3).randbytes(MIB),
}
EXTRA = random.Random(4).randbytes(700_000)
LICENCE = "Voice Licence 1.0, https://voices.example/licence"
ENGINE = """
import numpy as np

from stentor_engine import Capabilities, Settings, SpeechEngine, Voice, Weights


class Reader(SpeechEngine):
    name = "reader"
    weights = {{
        "usual": (
            Weights(hub="maker/model"{more}),
            Weights(urls={{"extra.bin": "{url}/files/extra"}}, folder="more"{sum}),
        ),
        "small": (Weights(hub="maker/small"),),
    }}

    def __init__(self, settings: Settings) -> None:
        voices = (Voice("one", settings.weights or "none"),)
        self.capabilities = Capabilities("speech", 8_000, voices=voices, deterministic=True)

    def synthesize(self, call):
        yield np.full(8_000, 9_000, np.int16)
"""
CONFIG = """
[engines]
paths = ['{folder}']
[models.reading]
backends = [{{ engine = "reader" }}]
[models.small]
weights = "small"
backends = [{{ engine = "reader" }}]
[models.own]
weights = "{folder}"
backends = [{{ engine = "reader" }}]
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        running.add("maker/model", FILES)
        running.add("maker/small", {"model.bin": b"small"})
        running.files["extra"] = EXTRA
        yield running


class Machine:
    """Where commands run: a hub, a data folder and an engine of the owner's own."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.hub = folder, hub
        self.data = folder / "data"
        self.engines = folder / "engines"
        self.engines.mkdir()
        self.processes: list[subprocess.Popen[Any]] = []
        (folder / "stentor.toml").write_text(CONFIG.format(folder=self.engines))
        self.declare()

    def declare(self, more: str = "", sum: str = "") -> None:  # noqa: A002 - as the engine has it
        told = ENGINE.format(url=self.hub.url, more=more, sum=sum)
        (self.engines / "reader.py").write_text(told)

    @property
    def environment(self) -> dict[str, str]:
        unwanted = ("STENTOR_", "HF_", "HUGGING")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        return clean | {
            "STENTOR_CONFIG": str(self.folder / "stentor.toml"),
            "STENTOR_DATA_DIR": str(self.data),
            "STENTOR_PORT": "0",
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.folder / "hf"),
        }

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "models", *arguments],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments, **environment)
        out, told = process.communicate(timeout=100)
        assert "Traceback" not in told, told
        return subprocess.CompletedProcess(arguments, process.returncode, out, told)

    @property
    def weights(self) -> list[Path]:
        root = self.data / "weights"
        return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))

    def whole(self) -> Path:
        """The folder of the usual weights, which are all there, and nothing else."""
        (folder,) = self.weights
        assert contents(folder) == FILES | {"more/extra.bin": EXTRA}
        return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    assert COMPLETE in found
    return {name: data for name, data in found.items() if name != COMPLETE}


@pytest.fixture
def machine(tmp_path: Path, hub: Hub) -> Iterator[Machine]:
    """No process of it outlives the test."""
    machine = Machine(tmp_path, hub)
    yield machine
    for process in machine.processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("faults", [Faults(), Faults(seed=5, cut=1.0, most=4)], ids=["calm", "cut"])
def test_the_stand_in_is_a_hub_for_its_own_client(
    faults: Faults, machine: Machine, hub: Hub
) -> None:
    """The real package, as it is, in a process of its own."""
    hub.break_often(faults)
    code = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "maker/model"],
        env=machine.environment | {"HF_HUB_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert folder.name == hub.repositories["maker/model"].commit


def test_pulled_told_and_removed(machine: Machine, hub: Hub) -> None:
    pulled = machine.run("pull", "reading")
    assert pulled.returncode == 0, pulled.stderr
    folder = machine.whole()
    assert "  model.bin: 3.0 MiB\n" in pulled.stderr
    assert f"reader: weights usual, 5.0 MiB on disk, in {folder}\n" in pulled.stderr
    told = json.loads((folder / COMPLETE).read_text())
    assert told["commits"] == {"maker/model": hub.repositories["maker/model"].commit}

    asked = len(hub.asked)
    again = machine.run("pull", "reading", "reader")
    assert (again.returncode, len(hub.asked)) == (0, asked)
    info = json.loads(machine.run("info", "reading", "--json").stdout)
    assert info["engines"][0]["folder"] == str(folder)
    assert info["engines"][0]["weights_bytes"] > sum(map(len, FILES.values()))
    assert "model.bin" not in machine.run("info", "reading").stdout

    refused = machine.run("remove", "reading")
    assert (refused.returncode, machine.weights) == (2, [folder])
    assert "--yes" in refused.stderr
    assert machine.run("remove", "reading", "--yes").returncode == 0
    assert machine.weights == []
    assert "nothing to remove" in machine.run("remove", "reading", "--yes").stderr


def test_what_another_model_uses_is_not_removed(machine: Machine) -> None:
    with (machine.folder / "stentor.toml").open("a") as config:
        config.write('[models.twin]\nbackends = [{ engine = "reader" }]\n')
    assert machine.run("pull", "reading", "small").returncode == 0
    assert len(machine.weights) == 2
    assert machine.run("remove", "reading", "small", "--yes").returncode == 0
    folder = machine.whole()
    assert machine.run("remove", "reader", "--yes").returncode == 0
    assert not folder.exists()


def test_what_nothing_refers_to_is_removed(machine: Machine) -> None:
    assert machine.run("pull", "reading", "small").returncode == 0
    old = machine.data / "environments" / "0123456789abcdef"
    old.mkdir(parents=True)
    (old / COMPLETE).write_text("{}")
    (machine.data / "weights" / "maker--gone-0123456789ab.partial").mkdir()
    text = (machine.folder / "stentor.toml").read_text()
    (machine.folder / "stentor.toml").write_text(text.replace('weights = "small"\n', ""))
    removed = machine.run("remove", "--unused", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert not old.exists()
    machine.whole()


@pytest.mark.parametrize("shared", [False, True])
def test_an_environment_is_removed_with_its_last_engine(shared: bool, machine: Machine) -> None:
    needs = '# /// script\n# dependencies = ["numpy", "num2words==0.5.13"]\n# ///\n'
    file = machine.engines / "reader.py"
    file.write_text(needs + file.read_text())
    if shared:
        other = file.read_text().replace('name = "reader"', 'name = "other"')
        (machine.engines / "other.py").write_text(other)
    found = Environments(machine.data / "environments", torch="auto", timeout=1).find(file)
    assert found is not None
    (found.folder / "bin").mkdir(parents=True)
    (found.folder / COMPLETE).write_text("{}")
    assert machine.run("remove", "reading", "--yes").returncode == 0
    assert found.folder.exists()  # other models use that engine
    assert machine.run("remove", "reading", "small", "own", "--yes").returncode == 0
    assert found.folder.exists() == shared


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, machine: Machine, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "models", *arguments],
            env=machine.environment | {"TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        machine.processes.append(self.process)
        os.close(slave)

    def read_until(self, text: str) -> None:
        seen = b""
        while text.encode() not in seen:
            seen += os.read(self._master, 4096)

    def answer(self, line: str) -> int:
        """The exit status."""
        os.write(self._master, line.encode())
        try:
            while os.read(self._master, 4096):
                pass
        except OSError:
            pass  # the terminal is gone with the last program on it
        os.close(self._master)
        return self.process.wait(60)


@pytest.mark.parametrize("answer", ["y\n", "n\n", "\n"])
def test_who_sits_at_a_terminal_is_asked(answer: str, machine: Machine) -> None:
    machine.declare(more=f', licence="{LICENCE}"')
    terminal = Terminal(machine, "pull", "reading")
    terminal.read_until(f"licence: {LICENCE}")
    assert terminal.answer(answer) == (0 if answer == "y\n" else 1)
    if answer != "y\n":
        assert not (machine.data / "licences.json").exists()
        return
    folder = machine.whole()
    for again, left in (("n\n", [folder]), ("yes\n", [])):
        terminal = Terminal(machine, "remove", "reading")
        terminal.read_until("Remove?")
        assert terminal.answer(again) == (1 if left else 0)
        assert machine.weights == left


def test_killed_at_any_moment(machine: Machine, hub: Hub) -> None:
    """Each time after some more bytes; then it is pulled to its end, from where it was."""
    chance = random.Random(6)
    total = sum(map(len, FILES.values())) + len(EXTRA)
    for _ in range(5):
        hub.allow(chance.randrange(total // 5))
        process = machine.begin("pull", "reading")
        until(hub.held_back, "it is in the middle")
        process.kill()
        process.communicate()
        assert not any((folder / COMPLETE).exists() for folder in machine.weights)
    hub.allow(None)
    before = hub.sent
    done = machine.run("pull", "reading")
    assert done.returncode == 0, done.stderr
    machine.whole()
    assert hub.sent - before < total  # not all of it once more


def test_interrupted(machine: Machine, hub: Hub) -> None:
    hub.allow(MIB)
    process = machine.begin("pull", "reading")
    until(hub.held_back, "it is in the middle")
    process.terminate()
    _, told = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "Traceback" not in told
    hub.allow(None)
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()


def test_two_processes_at_once(machine: Machine, hub: Hub) -> None:
    hub.allow(MIB)
    first = machine.begin("pull", "reading")
    until(hub.held_back, "the first one fetches")
    second = machine.begin("pull", "reading")
    assert second.stderr is not None
    line = next(line for line in second.stderr if "another process" in line)
    assert "waiting" in line
    hub.allow(None)
    told = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], told
    machine.whole()
    paths = [each.path for each in hub.asked if each.method == "GET" and "/store/" in each.path]
    assert len(paths) == len(set(paths))


def test_the_second_takes_over_when_the_first_is_killed(machine: Machine, hub: Hub) -> None:
    hub.allow(MIB)
    first = machine.begin("pull", "reading")
    until(hub.held_back, "the first one fetches")
    second = machine.begin("pull", "reading")
    assert second.stderr is not None
    next(line for line in second.stderr if "another process" in line)
    first.kill()
    first.communicate()
    hub.allow(None)
    second.communicate(timeout=60)
    assert second.returncode == 0
    machine.whole()


@pytest.mark.parametrize("seed", range(3))
def test_connections_that_break(seed: int, machine: Machine, hub: Hub) -> None:
    hub.break_often(Faults(seed, cut=0.5, error=0.2, deaf=0.2))
    pulled = machine.run("pull", "reading")
    assert pulled.returncode == 0, pulled.stderr
    machine.whole()


@pytest.mark.parametrize("name", ["config.json", "model.bin"])
def test_wrong_bytes_are_not_kept(name: str, machine: Machine, hub: Hub) -> None:
    """Small files are compared by git's hash, large ones by SHA-256."""
    hub.add("maker/model", {name: FILES[name]})
    hub.break_often(Faults(wrong=1.0, most=1))
    pulled = machine.run("pull", "reading")
    assert pulled.returncode == 1
    assert re.search(
        rf"{name} of .*maker/model is not what was expected: its checksum", pulled.stderr
    )
    assert not list((machine.data / "weights").rglob("*.part"))
    assert machine.run("pull", "reading").returncode == 0
    (folder,) = machine.weights
    assert contents(folder) == {name: FILES[name], "more/extra.bin": EXTRA}


def test_a_branch_that_moves_in_between(machine: Machine, hub: Hub) -> None:
    """What was fetched of the old model is no part of the new one."""
    hub.allow(MIB)
    process = machine.begin("pull", "reading")
    until(hub.held_back, "it is in the middle")
    process.kill()
    process.communicate()
    hub.allow(None)
    newer = FILES | {"model.bin": random.Random(7).randbytes(3 * MIB + 17), "new.json": b"{}"}
    del newer["README.md"]
    hub.add("maker/model", newer)
    assert machine.run("pull", "reading").returncode == 0
    (folder,) = machine.weights
    assert contents(folder) == newer | {"more/extra.bin": EXTRA}


def test_damaged_weights_are_fetched_again(machine: Machine) -> None:
    assert machine.run("pull", "reading").returncode == 0
    folder = machine.whole()
    (folder / "model.bin").write_bytes(FILES["model.bin"][:-1])
    shutil.rmtree(folder / "deep")
    assert machine.run("pull", "reading").returncode == 0
    assert machine.whole() == folder


def test_only_the_files_that_are_wanted(machine: Machine, hub: Hub) -> None:
    machine.declare(more=', files=("*.bin", "config.*")')
    assert machine.run("pull", "reading").returncode == 0
    (folder,) = machine.weights
    names = {"config.json", "model.bin", "deep/er/voice one.bin", "more/extra.bin"}
    assert set(contents(folder)) == names
    machine.declare(more=', files=("*.gguf",)')
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert "has none of the files *.gguf" in refused.stderr


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("maker/nothing", "does not exist, or is private"),
        ("maker/model@v9", "has no such revision"),
        ("huge", "knows no weights 'huge': give usual, small"),
    ],
)
def test_what_is_not_there(weights: str, said: str, machine: Machine) -> None:
    text = (machine.folder / "stentor.toml").read_text()
    text = text.replace('weights = "small"', f'weights = "{weights}"')
    (machine.folder / "stentor.toml").write_text(text)
    pulled = machine.run("pull", "small")
    assert pulled.returncode == 1
    assert said in pulled.stderr


def test_a_revision_by_its_commit(machine: Machine, hub: Hub) -> None:
    commit = hub.repositories["maker/model"].commit
    machine.declare(more=f', revision="{commit}"')
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()


def test_a_gated_repository(machine: Machine, hub: Hub) -> None:
    hub.add("maker/model", FILES, gated=True)
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert (
        "is gated: ask for access on its page, then give your token in HF_TOKEN" in refused.stderr
    )
    assert f"{hub.url}/maker/model" in refused.stderr
    wrong = machine.run("pull", "reading", HF_TOKEN="hf_wrong")
    assert wrong.returncode == 1
    assert "refuses your token" in wrong.stderr
    assert "hf_wrong" not in wrong.stderr
    hub.asked.clear()
    assert machine.run("pull", "reading", HF_TOKEN=hub.token).returncode == 0
    machine.whole()
    # The token is for the hub, not for where its files lie or for anybody else.
    others = [each for each in hub.asked if "/store/" in each.path or "/files/" in each.path]
    assert others
    assert {each.token for each in others} == {None}
    assert {each.token for each in hub.asked if each not in others} == {hub.token}


def test_a_token_file(machine: Machine, hub: Hub) -> None:
    hub.add("maker/model", FILES, gated=True)
    (machine.folder / "hf").mkdir()
    (machine.folder / "hf" / "token").write_text(f"{hub.token}\n")
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()


def test_offline(machine: Machine, hub: Hub) -> None:
    refused = machine.run("pull", "reading", HF_HUB_OFFLINE="1")
    assert refused.returncode == 1
    assert "HF_HUB_OFFLINE is set" in refused.stderr
    assert hub.asked == []


def test_a_licence_is_accepted_first(machine: Machine, hub: Hub) -> None:
    machine.declare(more=f', licence="{LICENCE}"')
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert LICENCE in refused.stderr
    assert "stentor models pull reading --accept-licence" in refused.stderr
    assert hub.asked == []
    accepted = machine.run("pull", "reading", "--accept-licence")
    assert accepted.returncode == 0
    assert f"accepted: {LICENCE}" in accepted.stderr
    told = json.loads((machine.data / "licences.json").read_text())["accepted"]
    assert list(told) == [LICENCE]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told[LICENCE])
    shutil.rmtree(machine.whole())
    assert machine.run("pull", "reading").returncode == 0
    assert LICENCE in machine.run("info", "reading").stdout


def test_no_room_for_what_is_to_come(machine: Machine, hub: Hub) -> None:
    hub.repositories["maker/model"].sizes["model.bin"] = 2**60
    refused = machine.run("pull", "reading")
    assert refused.returncode == 1
    assert re.search(r"the disk has \d+ MiB free, and \d+ MiB are to be fetched", refused.stderr)
    assert hub.sent == 0


def test_the_disk_is_full_in_the_middle(machine: Machine, hub: Hub) -> None:
    hub.allow(MIB)
    process = machine.begin("pull", "reading")
    until(hub.held_back, "it is in the middle")
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (2 * MIB, resource.RLIM_INFINITY))
    hub.allow(None)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the disk is full: there is no room for model.bin" in told
    assert "Traceback" not in told
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()


def store(folder: Path, *, timeout: float = 60.0, **patience: Any) -> WeightsStore:
    patient = Patience(**{"pause": 0.001, **patience})
    licences = Licences(folder / "licences.json")
    return WeightsStore(folder / "weights", licences, timeout=timeout, patience=patient)


def begun(folder: Path) -> int:
    """Bytes of half a file."""
    return sum(part.stat().st_size for part in folder.rglob("*.part"))


def declared(hub: Hub, **more: Any) -> Declaration:
    """An engine with one file, from a plain address."""
    part = Weights(urls={"extra.bin": f"{hub.url}/files/extra"}, **more)
    return Declaration("e", weights={"usual": (part,)})


@pytest.mark.anyio
async def test_an_engine_gets_a_folder(tmp_path: Path, hub: Hub) -> None:
    weights, engine = store(tmp_path), declared(hub)
    with pytest.raises(ModelUnavailable, match=r"'m' are not here: stentor models pull m$"):
        await weights.folder("m", engine, None, may_fetch=False)
    folder = await weights.folder("m", engine, None, may_fetch=True)
    assert folder == await weights.folder("m", engine, "usual", may_fetch=False)
    assert folder is not None
    assert contents(Path(folder)) == {"extra.bin": EXTRA}
    assert await weights.folder("m", engine, str(tmp_path), may_fetch=False) == str(tmp_path)
    with pytest.raises(ModelUnavailable, match="'m' are not there: no folder nothing"):
        await weights.folder("m", engine, "./nothing", may_fetch=True)
    assert await weights.folder("m", Declaration("own"), "x y", may_fetch=False) == "x y"
    assert await weights.folder("m", Declaration("own"), None, may_fetch=False) is None


@pytest.mark.anyio
async def test_all_who_ask_share_one_fetch(tmp_path: Path, hub: Hub) -> None:
    """Two stores of one process too; whoever goes away takes nothing along."""
    hub.allow(100_000)
    weights, other = store(tmp_path), store(tmp_path)
    engine = declared(hub)
    asking = [
        asyncio.create_task(each.folder("m", engine, None, may_fetch=True))
        for each in (weights, weights, weights, other)
    ]
    await until_async(lambda: begun(tmp_path) > 50_000, "it is fetched")
    asking[0].cancel()
    await asyncio.wait([asking[0]])
    hub.allow(None)
    folders = await asyncio.gather(*asking[1:])
    assert len(set(folders)) == 1
    assert contents(Path(str(folders[0]))) == {"extra.bin": EXTRA}
    first, second = [each.range for each in hub.asked if each.method == "GET"]
    assert first is None
    assert second is not None  # from where the one that went away had come to


@pytest.mark.anyio
async def test_a_server_that_compresses(tmp_path: Path, hub: Hub) -> None:
    hub.compresses = True
    hub.files["extra"] = b"0123456789" * 10_000
    folder = await store(tmp_path).folder("m", declared(hub), None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": hub.files["extra"]}


@pytest.mark.anyio
async def test_it_is_told_how_far_it_is(tmp_path: Path, hub: Hub) -> None:
    heard: list[Progress | Waiting] = []
    (parts,) = declared(hub).weights.values()
    await store(tmp_path).pull("m", Wanted("usual", parts), heard.append)
    assert heard[0] == Progress("extra.bin", 0, len(EXTRA))
    assert heard[-1] == Progress("extra.bin", len(EXTRA), len(EXTRA))
    done = [each.done for each in heard if isinstance(each, Progress)]
    assert done == sorted(done)


@pytest.mark.anyio
@pytest.mark.parametrize("right", [True, False])
async def test_a_declared_checksum(right: bool, tmp_path: Path, hub: Hub) -> None:
    sha256 = hashlib.sha256(EXTRA if right else b"other").hexdigest()
    engine = declared(hub, sha256={"extra.bin": sha256.upper()})
    if right:
        assert await store(tmp_path).folder("m", engine, None, may_fetch=True)
        return
    with pytest.raises(ModelUnavailable, match=r"extra\.bin of 127\.0\.0\.1 is not what was"):
        await store(tmp_path).folder("m", engine, None, may_fetch=True)
    left = [path.name for path in (tmp_path / "weights").rglob("*") if path.is_file()]
    assert [name for name in left if name.endswith((".bin", ".part"))] == []


@pytest.mark.anyio
async def test_a_file_that_changes_in_between_is_not_mixed(tmp_path: Path, hub: Hub) -> None:
    hub.allow(100_000)
    weights, engine = store(tmp_path), declared(hub)
    asking = asyncio.create_task(weights.folder("m", engine, None, may_fetch=True))
    await until_async(lambda: begun(tmp_path) > 50_000, "it is fetched")
    asking.cancel()
    await asyncio.wait([asking])
    hub.allow(None)
    hub.files["extra"] = bytes(len(EXTRA))
    folder = await weights.folder("m", engine, None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": bytes(len(EXTRA))}


@pytest.mark.anyio
async def test_a_server_that_says_nothing_more(tmp_path: Path, hub: Hub) -> None:
    hub.allow(1000)
    weights = store(tmp_path, read=0.1, attempts=2)
    with pytest.raises(ModelUnavailable, match=r"extra\.bin cannot be fetched .*try again"):
        await weights.folder("m", declared(hub), None, may_fetch=True)
    hub.allow(None)
    folder = await store(tmp_path).folder("m", declared(hub), None, may_fetch=True)
    assert contents(Path(str(folder))) == {"extra.bin": EXTRA}


@pytest.mark.anyio
async def test_a_fetch_has_an_end(tmp_path: Path, hub: Hub) -> None:
    hub.allow(1000)
    with pytest.raises(ModelUnavailable, match=r"not fetched within 0\.2 s; what is here"):
        await store(tmp_path, timeout=0.2).folder("m", declared(hub), None, may_fetch=True)


@pytest.mark.anyio
async def test_nobody_is_there(tmp_path: Path, hub: Hub) -> None:
    part = Weights(urls={"extra.bin": "http://127.0.0.1:9/extra"})
    engine = Declaration("e", weights={"usual": (part,)})
    told = r"extra\.bin cannot be fetched \(http://127\.0\.0\.1:9 is not reached: .*: try again$"
    with pytest.raises(ModelUnavailable, match=told):
        await store(tmp_path).folder("m", engine, None, may_fetch=True)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "part",
    [
        Weights(urls={"../escaped": "http://127.0.0.1:9/x"}),
        Weights(urls={"x": "file:///etc/passwd"}),
        Weights(urls={"x": "http://127.0.0.1:9/x"}, folder="/tmp"),
    ],
)
async def test_what_would_lead_elsewhere(part: Weights, tmp_path: Path) -> None:
    engine = Declaration("e", weights={"usual": (part,)})
    with pytest.raises(ModelUnavailable, match="is no "):
        await store(tmp_path / "data").folder("m", engine, None, may_fetch=True)


SERVED = """
[engines]
paths = ['{folder}']
{more}
[models.reading]
backends = [{{ engine = "reader" }}]
"""


@pytest.fixture
def served(machine: Machine, hub: Hub, start_server: StartServer) -> Callable[[str], Server]:
    """Starts a server with the machine's engine, whose hub is the stand-in."""

    def start(more: str) -> Server:
        return start_server(
            SERVED.format(folder=machine.engines, more=more),
            HF_ENDPOINT=hub.url,
            HF_HOME=str(machine.folder / "hf"),
        )

    return start


def test_a_server_says_what_to_pull(served: Callable[[str], Server], machine: Machine) -> None:
    server = served("")
    body = {"model": "reading", "input": "One."}
    refused = server.http.post("/v1/audio/speech", json=body)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "model_unavailable"
    assert "stentor models pull reading" in refused.json()["error"]["message"]
    machine.data = server.folder / "data"
    assert machine.run("pull", "reading").returncode == 0
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    voices = server.http.get("/v1/audio/voices", params={"model": "reading"}).json()["voices"]
    assert [voice["name"] for voice in voices] == [str(machine.whole())]
    told = machine.run("info", "reading", "--json", STENTOR_URL=server.url)
    assert json.loads(told.stdout)["state"] == "ready"


def test_a_first_request_fetches_them(served: Callable[[str], Server], machine: Machine) -> None:
    machine.declare(more=f', licence="{LICENCE}"')
    accepted = f"accepted_licences = ['{LICENCE}']"
    server = served(f"pull_on_request = true\n{accepted}")
    body = {"model": "reading", "input": "One."}
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    machine.data = server.folder / "data"
    machine.whole()
    unaccepted = served("pull_on_request = true")
    refused = unaccepted.http.post("/v1/audio/speech", json=body)
    assert refused.status_code == 503
    assert LICENCE in refused.json()["error"]["message"]
