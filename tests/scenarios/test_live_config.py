"""The configuration changes while the server runs: nobody's request is harmed by it."""

from __future__ import annotations

import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from stentor.lifecycle.servers.served import free_port
from tests.conftest import StartServer
from tests.scenarios.foreign import Foreign, processes
from tests.scenarios.models import ask, echo, error, service, speech, stands, state
from tests.scenarios.test_disk_full import limit_files
from tests.servers import Server
from tests.wait import until

SLOW = "piece_delay = 0.1, piece_seconds = 0.2"
TEXT = "A text that takes a few seconds to say."
KEPT: dict[str, Any] = {"backends": [{"engine": "echo", "options": {"char_seconds": 0.05}}]}


def configure(server: Server, config: str) -> None:
    (server.folder / "stentor.toml").write_text(config)


def reload(server: Server) -> dict[str, list[str]]:
    answer = server.http.post("/api/reload")
    assert answer.status_code == 200, answer.text
    told: dict[str, list[str]] = answer.json()
    return told


def names(server: Server) -> set[str]:
    listed = server.http.get("/v1/models").json()["data"]
    return {each["id"] for each in listed} - {"espeak", "pocketsphinx"}


def pids(server: Server) -> set[int]:
    return {worker.pid for worker in server.workers()}


def test_added_changed_and_removed(start_server: StartServer) -> None:
    server = start_server(echo("same") + echo("changed") + echo("removed"))
    for model in ("same", "changed", "removed"):
        ask(server, model)
    same = until(lambda: pids(server), "they run")
    assert len(same) == 3
    configure(server, echo("same") + echo("changed", "char_seconds = 0.03") + echo("added"))
    told = reload(server)
    assert (told["added"], told["changed"], told["removed"]) == (
        ["added"],
        ["changed"],
        ["removed"],
    )
    assert names(server) >= {"same", "changed", "added"}
    until(lambda: len(pids(server)) == 1, "what nobody needs any more has ended")
    assert pids(server) < same
    assert stands(server, "same") == "ready"
    assert len(ask(server, "changed").content) < 0.6 * len(ask(server, "same").content)
    assert ask(server, "added").status_code == 200
    gone = ask(server, "removed")
    assert (gone.status_code, error(gone)["code"]) == (404, "model_not_found")
    assert len(pids(server)) == 3


def test_on_a_signal(start_server: StartServer) -> None:
    server = start_server(echo("a"))
    configure(server, echo("a") + echo("b"))
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "b" in names(server), "it is read again")
    assert ask(server, "b").status_code == 200
    configure(server, "[models.a")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "not_reloaded" in server.log, "the mistake is told")
    assert names(server) >= {"a", "b"}
    assert ask(server, "b").status_code == 200


BAD = {
    "[models.a": "is not TOML",
    "[server]\nprot = 1": "server.prot",
    echo("a") + '[models.b]\nbackends = [{ engine = "none" }]': "no engine 'none'",
    echo("a") + "".join(echo(name, keys='aliases = ["x"]') for name in "bc"): "'x' names both",
}


def test_a_bad_file_is_refused_whole(start_server: StartServer) -> None:
    server = start_server(echo("a"))
    ask(server, "a")
    before = server.http.get("/v1/models").json(), pids(server)
    for config, why in BAD.items():
        configure(server, config)
        answer = server.http.post("/api/reload")
        assert (answer.status_code, error(answer)["code"]) == (400, "invalid_request")
        assert why in error(answer)["message"]
        assert (server.http.get("/v1/models").json(), pids(server)) == before
        assert ask(server, "a").status_code == 200
    configure(server, echo("a"))
    told = reload(server)
    assert not any(told.values()), told
    assert pids(server) == before[1]


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "changed"])
def test_a_request_ends_as_it_began(start_server: StartServer, removed: bool) -> None:
    """Sample for sample; and the old worker ends after it."""
    server = start_server(echo("m", SLOW) + echo("calm"))
    expected = ask(server, "calm", TEXT).content
    other = ask(server, "calm", TEXT, options={"char_seconds": 0.02}).content
    others = set(server.workers())
    with server.http.stream("POST", "/v1/audio/speech", json=speech("m", TEXT)) as answer:
        pieces = answer.iter_raw()
        heard = [next(pieces)]
        (old,) = set(server.workers()) - others
        configure(server, echo("calm") + ("" if removed else echo("m", "char_seconds = 0.02")))
        reload(server)
        if not removed:
            assert ask(server, "m", TEXT).content == other
        heard += pieces
    assert b"".join(heard) == expected
    until(lambda: not old.is_running(), "the old worker has ended")


def test_what_was_pinned_makes_room_for_what_takes_its_place(start_server: StartServer) -> None:
    """Two of them do not fit together: the new one waits for the old one's last request."""

    def config(options: str) -> str:
        lifecycle = '[lifecycle]\nmemory_budget = { ram = "300MiB" }\n'
        return lifecycle + echo("m", options, keys="keep_warm = true", backend='memory = "200MiB"')

    server = start_server(config(SLOW))
    until(lambda: stands(server, "m") == "ready", "it is kept warm")
    old = server.worker("echo")
    with ThreadPoolExecutor(1) as clients:
        with server.http.stream("POST", "/v1/audio/speech", json=speech("m", TEXT)) as answer:
            pieces = answer.iter_raw()
            heard = [next(pieces)]
            configure(server, config(""))
            reload(server)
            asked = clients.submit(ask, server, "m", TEXT)
            until(lambda: state(server, "m")["queue"]["admitted"] == 1, "it waits")
            assert old.is_running()
            heard += pieces
        assert asked.result(20).content == b"".join(heard)
    until(lambda: stands(server, "m") == "ready", "the new one is kept warm")
    assert service(server, "m")["keep_warm"] is True
    assert not old.is_running()


def test_the_server_stops_while_old_workers_end(start_server: StartServer) -> None:
    """Also when one of them does not hear that it is to end."""
    server = start_server(echo("a") + echo("b"))
    for model in "ab":
        ask(server, model)
    for worker in server.workers():
        worker.suspend()
    configure(server, echo("b", "char_seconds = 0.02"))
    reload(server)
    until(lambda: server.log.count("service_stopping") == 2, "they are being stopped")
    workers = server.workers()
    assert server.stop() in (0, -signal.SIGTERM)
    assert not any(worker.is_running() for worker in workers)
    assert "Traceback" not in server.log  # which is read to its end
    assert "Cancelled" not in server.log


def test_models_that_are_kept(start_server: StartServer) -> None:
    server = start_server(echo("file"))
    created = server.http.post("/api/models", json={"name": "mine", **KEPT})
    assert (created.status_code, created.json()["kept"]) == (201, True)
    again = server.http.post("/api/models", json={"name": "mine", **KEPT})
    assert (again.status_code, error(again)["code"]) == (409, "conflict")
    length = len(ask(server, "mine").content)
    shorter = {"backends": [{"engine": "echo", "options": {"char_seconds": 0.025}}]}
    assert server.http.put("/api/models/mine", json=shorter).status_code == 200
    assert server.http.put("/api/models/an/other", json=KEPT).status_code == 200
    assert len(ask(server, "mine").content) < 0.6 * length
    assert server.http.delete("/api/models/an/other").status_code == 204
    assert error(ask(server, "an/other"))["code"] == "model_not_found"
    kept = (server.folder / "data" / "models.toml").read_text()
    after = start_server(echo("file"), STENTOR_DATA_DIR=str(server.folder / "data"))
    assert state(after, "mine")["kept"] is True
    assert state(after, "file")["kept"] is False
    assert len(ask(after, "mine").content) == len(ask(server, "mine").content)
    assert "an/other" not in names(after)
    assert after.http.delete("/api/models/mine").status_code == 204
    assert kept != (server.folder / "data" / "models.toml").read_text()
    assert after.http.delete("/api/models/mine").status_code == 404


def test_models_of_the_file_are_the_files(start_server: StartServer) -> None:
    server = start_server(echo("file"))
    ask(server, "file")
    before = pids(server)
    answers = [
        server.http.put("/api/models/file", json=KEPT),
        server.http.delete("/api/models/file"),
        server.http.post("/api/models", json={"name": "file", **KEPT}),
        server.http.delete("/api/models/espeak"),
    ]
    for answer in answers:
        assert (answer.status_code, error(answer)["code"]) == (409, "conflict")
    assert pids(server) == before
    assert not (server.folder / "data" / "models.toml").exists()


COMMANDS: list[dict[str, object]] = [
    {"kind": "process", "command": ["true"], "task": "speech"},
    {"kind": "container", "image": "x", "task": "speech"},
]


def test_commands_are_for_the_file_alone(start_server: StartServer) -> None:
    server = start_server(echo("file"))
    for backend in COMMANDS:
        body = {"backends": [{"engine": "echo"}, backend]}
        created = server.http.post("/api/models", json={"name": "mine", **body})
        changed = server.http.put("/api/models/mine", json=body)
        for answer in (created, changed):
            assert (answer.status_code, error(answer)["code"]) == (403, "not_allowed")
    assert "mine" not in names(server)


def test_what_cannot_be_built_is_not_kept(start_server: StartServer) -> None:
    server = start_server(echo("file", keys='aliases = ["taken"]'))
    bad: list[dict[str, object]] = [
        {"backends": [{"engine": "none"}]},
        {"backends": []},
        {"backends": [{"engine": "echo"}], "aliases": ["taken"]},
        {"backends": [{"engine": "echo"}], "prot": 1},
    ]
    for body in bad:
        answer = server.http.put("/api/models/mine", json=body)
        assert (answer.status_code, error(answer)["code"]) == (400, "invalid_request")
    assert "mine" not in names(server)
    assert not (server.folder / "data" / "models.toml").exists()


def test_no_room_on_the_disk(start_server: StartServer) -> None:
    """Nothing is changed: not what is there, not what is kept, not what runs."""
    server = start_server(echo("file"))
    server.http.put("/api/models/mine", json=KEPT).raise_for_status()
    before = state(server, "mine"), names(server)
    said = ask(server, "mine").content
    ask(server, "file")
    worker = {each for each in server.workers() if '"char_seconds"' not in str(each.cmdline())}
    limit_files(server.process, 64)
    refused: list[httpx2.Response] = [
        server.http.put("/api/models/mine", json={"backends": [{"engine": "echo"}]}),
        server.http.put("/api/models/new", json=KEPT),
        server.http.delete("/api/models/mine"),
    ]
    limit_files(server.process, 2**30)
    for answer in refused:
        assert (answer.status_code, error(answer)["code"]) == (507, "storage_full")
    assert names(server) == before[1]
    assert ask(server, "mine").content == said
    assert worker <= set(server.workers())
    assert not list((server.folder / "data").glob("models-*"))
    told = reload(server)
    assert not any(told.values()), told
    assert server.http.put("/api/models/new", json=KEPT).status_code == 200


def test_a_server_with_a_port_of_its_own_follows_the_old_one(start_server: StartServer) -> None:
    """Both cannot have it: the new one waits for the old one's last request."""
    with tempfile.TemporaryDirectory() as folder:
        foreign = Foreign(Path(folder))

        def config(keys: str) -> str:
            return foreign.config("slow", backend=f"port = {port}", model=keys)

        port = free_port()
        server = start_server(config(""))
        body = speech("foreign", TEXT)
        with ThreadPoolExecutor(1) as clients:
            with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
                pieces = answer.iter_raw()
                heard = [next(pieces)]
                (old,) = processes(server)
                configure(server, config('idle_timeout = "5m"'))
                assert reload(server)["changed"] == ["foreign"]
                asked = clients.submit(ask, server, "foreign", TEXT)
                until(lambda: state(server, "foreign")["queue"]["admitted"] == 1, "it waits")
                heard += pieces
            assert asked.result(30).content == b"".join(heard)
        assert old not in processes(server)
