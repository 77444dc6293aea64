"""Closed by default: the key, the Host and Origin of local callers, CORS, and where it listens."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import StartServer
from tests.servers import ECHO, Server

KEY = "correct horse battery staple"


@pytest.fixture(scope="module")
def local() -> Iterator[Server]:
    with Server(ECHO, STENTOR_SERVER__CORS_ORIGINS='["https://app.example"]') as running:
        yield running


@pytest.fixture(scope="module")
def keyed() -> Iterator[Server]:
    with Server(ECHO, STENTOR_API_KEY=KEY) as running:
        yield running


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:80", "stentor.localhost"])
def test_local_names_are_let_in(local: Server, host: str) -> None:
    assert local.http.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "10.0.0.1", "localhost.evil"]
)
def test_other_names_are_not(local: Server, host: str) -> None:
    answer = local.http.get("/v1/models", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "host_not_allowed"


def test_pages_from_elsewhere_are_not(local: Server) -> None:
    answer = local.http.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    for origin in ("https://app.example", "http://localhost:3000"):
        assert local.http.get("/v1/models", headers={"Origin": origin}).status_code == 200


def test_cors_for_configured_origins_only(local: Server) -> None:
    def preflight(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = local.http.options("/v1/audio/speech", headers=headers)
        return answer.headers.get("access-control-allow-origin")

    assert preflight("https://app.example") == "https://app.example"
    assert preflight("https://evil.example") is None


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY])
def test_without_the_key(keyed: Server, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for path in ("/v1/models", "/metrics", "/v1/audio/voices", "/v1/audio/models", "/nothing"):
        answer = keyed.http.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["X-Request-Id"]
        assert answer.json()["error"]["code"] == "invalid_api_key"


def test_with_the_key(keyed: Server) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Host": "stentor.example"}
    assert keyed.http.get("/v1/models", headers=headers).status_code == 200
    assert keyed.client(KEY).models.list().data


@pytest.mark.parametrize("path", ["/health", "/healthz", "/healthcheck", "/readyz", "/docs"])
def test_probes_need_no_key(keyed: Server, path: str) -> None:
    assert keyed.http.get(path).status_code == 200


def test_workers_do_not_get_the_key(keyed: Server) -> None:
    body = {"model": "echo", "input": "Hello."}
    headers = {"Authorization": f"Bearer {KEY}"}
    assert keyed.http.post("/v1/audio/speech", json=body, headers=headers).status_code == 200
    assert KEY not in str(keyed.worker("echo").environ())
    assert KEY not in keyed.log


def test_other_addresses_want_a_key(tmp_path: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
    refused = subprocess.run(
        [sys.executable, "-m", "stentor.cli.main", "serve", "--host", "0.0.0.0"],
        env=clean,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert refused.returncode == 2
    assert "STENTOR_API_KEY" in refused.stderr


@pytest.mark.parametrize("header", ["Host", "Origin"])
@pytest.mark.parametrize("value", ["[", "http://[", "::::", "", "//"])
def test_headers_that_are_no_addresses(local: Server, header: str, value: str) -> None:
    answer = local.http.get("/v1/models", headers={header: value})
    assert answer.status_code in (400, 403)


SCHEMES = [
    b"Bearer ",
    b"Bearer",
    b"bearer",
    b"BEARER  ",
    b"Bearer\t",
    b"",
    b"Bearer x",
    b"\xff\xfe",
]


def answer_to(server: Server, authorization: bytes, path: str = "/v1/models") -> bytes:
    """Byte for byte: what a client sends, not what our own would make of it."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as client:
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
            + b"Authorization:"
            + authorization
            + b"\r\n\r\n"
        )
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("space", [b"", b" "])
def test_without_a_key_whatever_clients_send_for_one_is_let_in(
    local: Server, space: bytes, scheme: bytes
) -> None:
    assert answer_to(local, space + scheme).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_with_a_key_nothing_else_is_one(keyed: Server, scheme: bytes) -> None:
    head, _, body = answer_to(keyed, b" " + scheme).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401")
    assert b"\r\nwww-authenticate: bearer" in head.lower()
    assert b'"code":"invalid_api_key"' in body


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_key_is_one_in_any_case_of_its_scheme(keyed: Server, scheme: str) -> None:
    assert answer_to(keyed, f" {scheme} {KEY} ".encode()).startswith(b"HTTP/1.1 200")


def test_open_lists_and_nothing_else(start_server: StartServer) -> None:
    server = start_server(ECHO, STENTOR_API_KEY=KEY, STENTOR_SERVER__OPEN_DISCOVERY="true")
    for path in ("/v1/models", "/v1/audio/models", "/v1/audio/voices?model=echo"):
        assert server.http.get(path).status_code == 200
    for path in ("/v1/models/echo", "/metrics", "/v1/audio/voices/echo"):
        assert server.http.get(path).status_code == 401
    for path in ("/v1/models", "/v1/audio/voices", "/v1/audio/speech"):
        assert server.http.post(path, json={}).status_code == 401


def serve(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One that is refused, with what it says."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
    return subprocess.run(
        [sys.executable, "-m", "stentor.cli.main", "serve"],
        env={**clean, "STENTOR_PORT": "0", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.skipif(find_spec("debugpy") is not None, reason="debugpy is installed")
def test_a_debugger_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused = serve(tmp_path, STENTOR_DEBUGPY="5678")
    assert refused.returncode == 2
    assert "STENTOR_DEBUGPY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_debugger_nowhere_is_refused(tmp_path: Path) -> None:
    refused = serve(tmp_path, STENTOR_DEBUGPY="here")
    assert refused.returncode == 2
    assert "[wait:][HOST:]PORT" in refused.stderr


def test_the_page_of_routes_needs_nothing_from_elsewhere(keyed: Server) -> None:
    page = keyed.http.get("/docs").text
    links = re.findall(r"""(?:src|href)="([^"]+)\"""", page)
    assert len(links) == 3
    for link in links:
        assert link == "data:," or keyed.http.get(link).status_code == 200
    assert "http" not in page


@pytest.mark.parametrize("path", ["/health", "/readyz", "/v1/models", "/v1/audio/voices", "/docs"])
def test_monitors_may_ask_for_the_head_alone(local: Server, path: str) -> None:
    answer = local.http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == local.http.get(path).headers["content-type"]


def test_a_wrong_method_is_told_the_right_one(local: Server) -> None:
    answer = local.http.get("/v1/audio/speech")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "invalid_request"
