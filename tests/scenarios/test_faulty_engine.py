"""Engines that stall, fail, cannot be loaded or take too long to."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.audio import streamed_wav
from tests.conftest import StartServer
from tests.wait import until

# The seed is given: derived, it would depend on the options too.
BODY = {
    "model": "echo",
    "input": "Hello there, how are you?",
    "response_format": "wav",
    "seed": 1,
}


def echo(options: str) -> str:
    return f'[models.echo]\nbackends = [{{ engine = "echo", options = {{ {options} }} }}]\n'


def test_stalls_are_noticed_and_another_worker_goes_on(start_server: StartServer) -> None:
    calm = start_server()
    server = start_server(
        echo("hang_rate = 0.1, piece_seconds = 0.5"), STENTOR_LIFECYCLE__STALL_TIMEOUT="1s"
    )
    expected = calm.http.post("/v1/audio/speech", json=BODY).content
    for _ in range(4):
        answer = server.http.post("/v1/audio/speech", json=BODY)
        assert answer.status_code == 200
        assert answer.content == expected


def test_one_that_always_stalls_gives_an_error(start_server: StartServer) -> None:
    server = start_server(echo("hang_rate = 1"), STENTOR_LIFECYCLE__STALL_TIMEOUT="300ms")
    answer = server.http.post("/v1/audio/speech", json=BODY)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "worker_stalled"


def test_one_that_fails_says_so_before_the_first_byte(start_server: StartServer) -> None:
    server = start_server(echo("fail_rate = 1"))
    answer = server.http.post("/v1/audio/speech", json=BODY)
    assert answer.status_code == 500
    assert answer.json()["error"] == {
        "message": "told to fail",
        "type": "server_error",
        "param": None,
        "code": "engine_failed",
    }


def test_one_that_fails_later_breaks_the_stream_visibly(start_server: StartServer) -> None:
    """Never a short answer that looks complete."""
    server = start_server(echo("fail_rate = 0.02, piece_seconds = 0.05, piece_delay = 0.01"))
    body = BODY | {"input": "A sentence of some length. " * 200}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.RemoteProtocolError):
            list(answer.iter_raw())
    assert server.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("options", "timeout", "why"),
    [("load_fails = true", "20s", "told to fail"), ("load_seconds = 60", "1s", "no answer within")],
)
def test_one_that_cannot_be_loaded(
    start_server: StartServer, options: str, timeout: str, why: str
) -> None:
    server = start_server(echo(options), STENTOR_LIFECYCLE__START_TIMEOUT=timeout)
    for _ in range(3):  # also while it waits for its next start
        answer = server.http.post("/v1/audio/speech", json=BODY)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "model_unavailable"
        assert why in answer.json()["error"]["message"]
    assert not server.workers("echo")


def test_one_that_is_out_of_memory_while_it_is_loaded(
    start_server: StartServer, tmp_path: Path
) -> None:
    """Neither a crash nor an end: there may be memory the next time."""
    needs = tmp_path / "memory"
    two = f"""
    [models.two]
    backends = [
      {{ engine = "echo", options = {{ load_needs = "{needs}" }} }},
      {{ engine = "echo" }},
    ]
    """
    server = start_server(echo(f'load_needs = "{needs}"') + two)
    for _ in range(3):
        answer = server.http.post("/v1/audio/speech", json=BODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_room")
        assert "told to be out of memory" in answer.json()["error"]["message"]
        assert int(answer.headers["Retry-After"]) > 0
        answer = server.http.post("/v1/audio/speech", json=BODY | {"model": "two"})
        assert answer.headers["X-Stentor-Backend"] == "engine:echo:1"
    assert 4 <= server.all_logged().count("worker_start_failed") < 12  # as a crash would be
    (service,) = [
        each["service"] for each in server.http.get("/api/models/echo").json()["backends"]
    ]
    assert service["state"] == "stopped"
    needs.touch()
    assert server.http.post("/v1/audio/speech", json=BODY).status_code == 200


def test_another_backend_speaks_where_one_cannot_start(start_server: StartServer) -> None:
    two = """
    [models.echo]
    backends = [{ engine = "echo", options = { load_fails = true } }, { engine = "echo" }]
    """
    server = start_server(two)
    for _ in range(3):
        answer = server.http.post("/v1/audio/speech", json=BODY)
        assert answer.status_code == 200
        assert answer.headers["X-Stentor-Backend"] == "engine:echo:1"


def test_a_backend_that_crashed_once_is_preferred_again(start_server: StartServer) -> None:
    server = start_server('[models.echo]\nbackends = [{ engine = "echo" }, { engine = "echo" }]\n')
    server.http.post("/v1/audio/speech", json=BODY)
    server.worker("echo").kill()
    until(lambda: "service_exited" in server.log, "the crash is noticed")
    answer = server.http.post("/v1/audio/speech", json=BODY)
    assert answer.headers["X-Stentor-Backend"] == "engine:echo"


def test_another_engine_goes_on_with_its_own_options_and_voices(start_server: StartServer) -> None:
    """The first one's options, voices and limits are nothing to the second."""
    server = start_server("""
    [models.two]
    backends = [
      { engine = "echo", options = { crash_rate = 1, char_seconds = 0.02 } },
      { engine = "espeak" },
    ]
    """)
    answers = [
        server.http.post("/v1/audio/speech", json=BODY | {"model": "two", "voice": "alloy"})
        for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} <= {200, 503}
    spoken = [answer for answer in answers if answer.status_code == 200]
    assert spoken
    for answer in spoken:
        assert answer.headers["X-Stentor-Backend"] == "engine:espeak:1"
        assert 1 < len(streamed_wav(answer.content)[0]) / 24_000 < 4


def test_other_models_do_not_suffer(start_server: StartServer) -> None:
    two = echo("hang_rate = 1") + '[models.other]\nbackends = [{ engine = "echo" }]\n'
    server = start_server(two, STENTOR_LIFECYCLE__STALL_TIMEOUT="1s")
    answer = server.http.post("/v1/audio/speech", json=BODY | {"model": "other"})
    assert len(streamed_wav(answer.content)[0]) > 24_000


def test_an_engines_mistake_is_in_the_log_with_its_place(
    start_server: StartServer, tmp_path: Path
) -> None:
    """A client gets one line, its author the traceback."""
    (tmp_path / "mistaken.py").write_text(MISTAKEN)
    config = f"""
    [server]
    log_level = "debug"
    [engines]
    paths = ["{tmp_path}"]
    [models.mistaken]
    backends = [{{ engine = "mistaken" }}]
    """
    server = start_server(config)
    for text, message in (("One.", "KeyError: 'absent'"), ("Nothing.", "yields nothing")):
        answer = server.http.post("/v1/audio/speech", json={"model": "mistaken", "input": text})
        assert answer.status_code == 500
        assert message in answer.json()["error"]["message"]
    assert (
        "(line 5)"
        in server.http.post("/v1/audio/speech", json={"model": "mistaken", "input": "One."}).json()[
            "error"
        ]["message"]
    )

    failed = [line for line in server.all_logged().splitlines() if "engine_failed" in line]
    assert any('"KeyError"' in line and "mistaken" in line for line in failed)
    assert not any("absent" in line for line in failed)  # an exception may quote the request
    until(lambda: "in look_up" in server.log, "the traceback is logged")


MISTAKEN = """
from stentor_engine import Capabilities, SpeechEngine

def look_up():
    return {}["absent"]

class Mistaken(SpeechEngine):
    name = "mistaken"
    def __init__(self, settings):
        self.capabilities = Capabilities("speech", 8_000)
    def synthesize(self, call):
        if call.text == "One.":
            look_up()
"""
