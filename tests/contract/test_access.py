"""Closed by default: the key, the Host and Origin of local callers, CORS, and where it listens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    for path in ("/v1/models", "/metrics", "/v1/audio/voices", "/nothing"):
        answer = keyed.http.get(path, headers=headers)
        assert answer.status_code == 401
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
