"""Weights come whole or not at all, whatever breaks on their way."""

from __future__ import annotations

import random
import re
import resource
import shutil

import psutil
import pytest

from stentor.lifecycle.weights.staging import COMPLETE
from tests.hub import Faults, Hub
from tests.scenarios.weights.machine import EXTRA, FILES, MIB, Machine, contents
from tests.wait import until


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
