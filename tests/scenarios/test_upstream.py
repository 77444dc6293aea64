"""`/upstream/{model}/…`: what somebody else's server offers beside our API, as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx2
import pytest

from tests.conftest import StartServer
from tests.scenarios.foreign import SOCKETS, Foreign, processes
from tests.scenarios.models import stands
from tests.servers import Server
from tests.wait import until, until_async

pytestmark = pytest.mark.anyio
RAW = 'protocol = "none"'


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Foreign]]:
    foreign = Foreign(tmp_path_factory.mktemp("foreign"))
    with Server(foreign.config(backend=RAW)) as server:
        yield server, foreign


@pytest.fixture
def server(one_for_all: tuple[Server, Foreign]) -> Server:
    return one_for_all[0]


@pytest.fixture
def foreign(one_for_all: tuple[Server, Foreign]) -> Foreign:
    """Nothing is known yet of what it was asked."""
    one_for_all[1].log.unlink(missing_ok=True)
    return one_for_all[1]


def lines(foreign: Foreign, name: str) -> list[Any]:
    return [line[name] for line in foreign.told() if name in line]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_with_its_path_and_body(server: Server, foreign: Foreign, method: str) -> None:
    path = "/echo/a%2Fb/%C3%A9//c;d?x=1&x=2&y=%26"
    body = b"" if method == "GET" else b"\0any\xff" * 10_000
    answer = server.http.request(method, f"/upstream/foreign{path}", content=body)
    assert answer.status_code == 207
    assert answer.content == body
    assert foreign.says("method") == method
    assert foreign.says("path") == path


def test_head(server: Server, foreign: Foreign) -> None:
    answer = server.http.head("/upstream/foreign/echo")
    assert (answer.status_code, answer.headers["X-Own"]) == (207, "yes")
    assert foreign.says("method") == "HEAD"


def test_headers_both_ways(server: Server, foreign: Foreign) -> None:
    given = {
        "X-Mine": "1",
        "Connection": "X-Secret",
        "X-Secret": "2",
        "TE": "trailers",
        "Authorization": "Bearer theirs",
        "Cookie": "c=1",
        "Content-Type": "text/odd",
    }
    answer = server.http.post("/upstream/foreign/echo", content=b"x", headers=given)
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert "X-Hop" not in answer.headers
    assert len(answer.headers.get_list("date")) == 1
    seen = {name.lower(): value for name, value in foreign.says("headers").items()}
    assert seen["x-mine"] == "1"
    assert seen["cookie"] == "c=1"
    assert seen["content-type"] == "text/odd"
    assert seen["content-length"] == "1"
    assert seen["authorization"] == "Bearer theirs"  # we have no key: it is not ours
    assert not {"x-secret", "te"} & seen.keys()
    assert server.url.partition("//")[2] != seen["host"]


def test_our_key_is_asked_for_and_not_handed_on(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config(backend=RAW), STENTOR_API_KEY="ours")
    assert server.http.get("/upstream/foreign/echo").status_code == 401
    assert not processes(server)
    key = {"Authorization": "Bearer ours"}
    assert server.http.get("/upstream/foreign/echo", headers=key).status_code == 207
    assert "ours" not in str(foreign.says("headers"))


def test_multipart_larger_than_a_body_of_json(server: Server) -> None:
    files = {"one": b"1" * 20_000_000, "two": b"2"}
    answer = server.http.post("/upstream/foreign/form", files=files)
    assert answer.json() == {"one": 20_000_000, "two": 1}


def test_a_body_of_unknown_length(server: Server) -> None:
    answer = server.http.post("/upstream/foreign/echo", content=iter([b"one", b"two"]))
    assert answer.content == b"onetwo"


def test_a_body_beyond_the_limit(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config(backend=RAW), STENTOR_SERVER__MAX_UPLOAD_MB="1")
    body = (b"x" * 100_000 for _ in range(20))
    answer = server.http.post("/upstream/foreign/echo", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_an_answer_is_handed_on_as_it_comes(server: Server) -> None:
    """Its second line is written only after the first was read here."""
    with server.http.stream("GET", "/upstream/foreign/count") as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one\n"
        server.http.post("/upstream/foreign/step")
        assert b"".join(pieces) == b"two\n"


def test_an_answer_that_breaks_off_breaks_off(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("cut off", backend=RAW))
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        server.http.stream("GET", "/upstream/foreign/count") as answer,
    ):
        pieces = answer.iter_raw()
        next(pieces)
        server.http.post("/upstream/foreign/step")
        b"".join(pieces)


def test_a_client_that_hangs_up(server: Server, foreign: Foreign) -> None:
    with server.http.stream("GET", "/upstream/foreign/count") as answer:
        next(answer.iter_raw())
    until(lambda: foreign.says("hung_up"), "the server sees that its answer is not wanted")
    route = 'route="/upstream/{model}/{path:path}"'
    assert route in server.http.get("/metrics").text


def test_it_is_not_stopped_under_a_request(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config(backend=RAW, model="idle_timeout = 0"))
    with server.http.stream("GET", "/upstream/foreign/count") as answer:
        pieces = answer.iter_raw()
        next(pieces)
        (process,) = processes(server)
        # Another request comes and goes meanwhile.
        assert server.http.get("/upstream/foreign/echo").status_code == 207
        assert process.is_running()
        server.http.post("/upstream/foreign/step")
        assert b"".join(pieces) == b"two\n"
    until(lambda: not process.is_running(), "it is stopped when nobody uses it")


def test_models_without_a_server_of_their_own(server: Server) -> None:
    for name, expected in {"espeak": "not_found", "nobody": "model_not_found"}.items():
        answer = server.http.get(f"/upstream/{name}/echo")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == expected


def test_a_model_that_is_only_there_for_this(server: Server) -> None:
    body = {"model": "foreign", "input": "Hello."}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert "/upstream/foreign/" in answer.json()["error"]["message"]


def test_one_that_cannot_be_started(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("dies starting", backend=RAW))
    answer = server.http.get("/upstream/foreign/echo")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")


def test_one_that_answers_and_dies_is_started_at_once(
    start_server: StartServer, foreign: Foreign
) -> None:
    """Whatever it died of before: what went well sets the count of failures back."""
    server = start_server(foreign.config(backend=RAW))
    for _ in range(7):
        assert server.http.get("/upstream/foreign/echo").status_code == 207
        (process,) = processes(server)
        process.kill()
        until(lambda: stands(server, "foreign") != "ready", "its end was seen")


@SOCKETS
async def test_a_socket_both_ways(server: Server, foreign: Foreign) -> None:
    url = f"{server.url}/upstream/foreign/socket?q=1"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("unknown", "chat")) as socket,
    ):
        assert socket.protocol == "chat"
        await socket.send_str("hello")
        assert await socket.receive_str() == "q=1:hello"
        await socket.send_bytes(b"\1\2\3" * 100_000)
        assert await socket.receive_bytes() == b"\3\2\1" * 100_000
        await socket.close(code=4_002)
    await until_async(lambda: foreign.says("socket_closed"), "the server sees the end")
    assert foreign.says("socket_closed") == 4_002


@SOCKETS
async def test_a_socket_that_the_server_closes(server: Server) -> None:
    url = f"{server.url}/upstream/foreign/socket"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("end")
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4_001)
        assert message.extra == "as you wish"


@SOCKETS
async def test_a_socket_whose_server_dies(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config(backend=RAW))
    url = f"{server.url}/upstream/foreign/socket"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("hello")
        await socket.receive()
        processes(server)[0].kill()
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1011)


@SOCKETS
@pytest.mark.parametrize(
    ("path", "status"), [("foreign/nothing", 404), ("nobody/socket", 404), ("espeak/socket", 404)]
)
async def test_a_socket_that_is_refused(server: Server, path: str, status: int) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(f"{server.url}/upstream/{path}")
        assert refusal.value.status == status
