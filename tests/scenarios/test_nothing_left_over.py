"""An engine starts processes of its own that leave its group, as a pool of workers may: nothing of
them is left when it has ended, however it does.
"""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.foreign import Foreign, processes
from tests.scenarios.models import ask, stands
from tests.servers import Server
from tests.wait import until

ENGINE = """
import os, subprocess, sys
import numpy as np
from stentor_engine import *

SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)  # LOG"]

class Daemons(SpeechEngine):
    name = "daemons"

    def __init__(self, settings):
        children = [subprocess.Popen(SLEEP, start_new_session=True).pid]
        if os.fork() == 0:  # one whose parent ends at once
            os.setsid()
            subprocess.Popen(SLEEP, start_new_session=True)
            os._exit(0)
        self.capabilities = Capabilities("speech", 8_000)

    def synthesize(self, call):
        yield (9_000 * np.sin(np.arange(8_000))).astype(np.int16)
"""


@pytest.fixture
def server(start_server: StartServer, tmp_path: Path) -> Server:
    (tmp_path / "daemons.py").write_text(ENGINE.replace("LOG", str(tmp_path)))
    model = '[models.m]\nbackends = [{ engine = "daemons" }]\n'
    return start_server(f'[engines]\npaths = ["{tmp_path}"]\n{model}')


def daemons(mark: Path) -> list[psutil.Process]:
    found = []
    for each in psutil.process_iter(["cmdline"]):
        command = each.info["cmdline"] or []
        if any("sleep(1" in part and str(mark) in part for part in command):
            found.append(each)
    return found


@pytest.mark.parametrize("how", ["unloaded", "killed", "stopped", "frozen"])
def test_of_an_engine(server: Server, tmp_path: Path, how: str) -> None:
    answer = ask(server, "m")
    assert answer.status_code == 200, answer.text
    until(lambda: len(daemons(tmp_path)) == 2, "they run")
    worker = server.worker("daemons")
    if how == "frozen":
        worker.suspend()
    if how == "killed":
        worker.kill()
        until(lambda: stands(server, "m") == "failed", "its end is seen")
    elif how == "stopped":
        assert server.stop() in (0, -signal.SIGTERM)
    else:
        server.http.post("/api/models/m/unload", timeout=30).raise_for_status()
    assert not daemons(tmp_path)


def test_of_a_server_whose_keeper_is_killed(start_server: StartServer, tmp_path: Path) -> None:
    foreign = Foreign(tmp_path)
    server = start_server(foreign.config("leaves children"))
    assert ask(server, "foreign").status_code == 200
    children = [psutil.Process(pid) for pid in foreign.says("children")]
    keeper = processes(server)[0].parent()
    assert keeper is not None
    keeper.kill()
    until(lambda: stands(server, "foreign") == "failed", "its end is seen")
    assert not [each for each in children if _runs(each)]


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
