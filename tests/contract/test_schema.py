"""Whatever the published schema allows, and much that it does not, is answered without a 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from tests.servers import ECHO, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO, STENTOR_SERVER__MAX_AUDIO_DURATION="20s") as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


ROUTES = [
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/readyz"),
    ("GET", "/v1/audio/models"),
    ("GET", "/v1/audio/voices"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name}"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/audio/transcriptions/verbose"),
    ("POST", "/v1/audio/translations"),
]


STEERING = [
    ("GET", "/api/models"),
    ("POST", "/api/models"),
    ("GET", "/api/models/{name}"),
    ("PUT", "/api/models/{name}"),
    ("DELETE", "/api/models/{name}"),
    ("POST", "/api/models/{name}/load"),
    ("POST", "/api/models/{name}/unload"),
    ("GET", "/api/status"),
    ("POST", "/api/pause"),
    ("POST", "/api/resume"),
    ("POST", "/api/reload"),
    ("GET", "/compat/local-ai/healthz"),
    ("GET", "/compat/local-ai/status"),
    ("POST", "/compat/local-ai/gaming-mode"),
    ("POST", "/compat/local-ai/stop-all"),
]
"""Each on a server of its own: what they do would show in the others' answers."""


@pytest.mark.parametrize(("method", "path"), STEERING, ids=lambda part: part.strip("/"))
def test_no_order_breaks_the_server(method: str, path: str) -> None:
    with Server(ECHO) as server:
        api = schemathesis.openapi.from_url(f"{server.url}/openapi.json")

        @settings(
            max_examples=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=api[path][method].as_strategy())
        def answered(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=[not_a_server_error])

        answered()
        assert server.http.get("/health").status_code == 200


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part.strip("/"))
def test_no_request_breaks_the_server(api: schemathesis.BaseSchema, method: str, path: str) -> None:
    """Half of what names a model names one that is there."""

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=api[path][method].as_strategy())
    def answered(case: schemathesis.Case[Any]) -> None:
        if isinstance(case.body, dict) and len(str(case.body.get("model", "x"))) % 2 == 0:
            case.body["model"] = "echo-transcribe" if "file" in case.body else "echo"
        case.call_and_validate(checks=[not_a_server_error])

    answered()


def test_every_route_is_tried(api: schemathesis.BaseSchema) -> None:
    described = {
        (method.upper(), path)
        for path, methods in api.raw_schema["paths"].items()
        for method in methods
    }
    # The other names of the probes are alike.
    assert described - {*ROUTES, *STEERING} <= {("GET", "/healthz"), ("GET", "/healthcheck")}


def test_it_describes_the_audio_routes(api: schemathesis.BaseSchema) -> None:
    raw = api.raw_schema
    speech = raw["paths"]["/v1/audio/speech"]["post"]["requestBody"]["content"]
    assert set(speech) == {"application/json"}
    for route in ("transcriptions", "transcriptions/verbose", "translations"):
        content = raw["paths"][f"/v1/audio/{route}"]["post"]["requestBody"]["content"]
        assert set(content) == {"multipart/form-data"}
