"""Who may come in: the API key, and without one the Host and Origin of a local caller."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stentor.api.errors import error_response
from stentor.errors import HostNotAllowed, StentorError, Unauthorized

OPEN_PATHS = frozenset(
    {
        *("/health", "/healthz", "/healthcheck", "/readyz"),
        *("/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"),
    }
)
"""Tell nothing that is anybody's; probes and browsers come without a key."""
LISTS = frozenset({"/v1/models", "/v1/audio/models", "/v1/audio/voices"})
"""What some clients ask for without a key, even where they have one."""


class Guard:
    """With a key, every other path wants it. Without one, a page in a browser on this machine must
    not reach the server by a name of its own (DNS rebinding) or from an origin of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_key: str | None,
        open_lists: bool = False,
        allowed_hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._api_key = api_key
        self._open_lists = open_lists
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if error is not None:
            await error_response(error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> StentorError | None:
        headers = Headers(scope=scope)
        if self._api_key is None:
            return self._refusal_of_stranger(headers)
        if self._is_open(scope) or same_key(headers, self._api_key):
            return None
        return Unauthorized("a valid API key is needed: Authorization: Bearer <key>")

    def _is_open(self, scope: Scope) -> bool:
        if scope["path"] in OPEN_PATHS:
            return True
        reading = scope.get("method") in ("GET", "HEAD")
        return self._open_lists and reading and scope["path"] in LISTS

    def _refusal_of_stranger(self, headers: Headers) -> StentorError | None:
        if not self._is_local(_host_of("//" + headers.get("host", ""))):
            return HostNotAllowed("this server answers to local names only; set STENTOR_API_KEY")
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return None
        if not self._is_local(_host_of(origin)):
            return HostNotAllowed(f"origin '{origin}' is not in cors_origins")
        return None

    def _is_local(self, host: str) -> bool:
        if host in self._allowed_hosts or "*" in self._allowed_hosts:
            return True
        return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def same_key(headers: Headers, api_key: str) -> bool:
    """In constant time for keys of a length."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("latin-1"), api_key.encode()
    )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _host_of(url: str) -> str:
    """Without the port: of `//[::1]:8000` it is `::1`. Empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
