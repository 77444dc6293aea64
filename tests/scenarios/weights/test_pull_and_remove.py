"""Weights are pulled, told of and removed; who must be asked before is asked."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from stentor.lifecycle.environments.store import Environments
from stentor.lifecycle.weights.staging import COMPLETE
from stentor.storage.locks import PARTIAL
from tests.hub import Faults, Hub
from tests.scenarios.weights.machine import FILES, LICENCE, Machine, contents


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


def test_it_is_looked_at_again_after_the_question(machine: Machine) -> None:
    """Meanwhile another process may build one to its end, and take another away."""
    folders = [machine.data / "environments" / name for name in ("a", f"b{PARTIAL}", "c")]
    for folder in folders:
        folder.mkdir(parents=True)
    finished, gone, _ = folders
    terminal = Terminal(machine, "remove", "--unused")
    terminal.read_until("Remove?")
    (finished / COMPLETE).write_text("{}")
    gone.rmdir()
    assert terminal.answer("y\n") == 0
    assert [folder.exists() for folder in folders] == [True, False, False]


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


def test_a_revision_by_its_commit(machine: Machine, hub: Hub) -> None:
    commit = hub.repositories["maker/model"].commit
    machine.declare(more=f', revision="{commit}"')
    assert machine.run("pull", "reading").returncode == 0
    machine.whole()
