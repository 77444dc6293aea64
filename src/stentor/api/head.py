"""HEAD is answered as GET is, without the body."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Head:
    """What monitors probe with. The server leaves the body out: it still knows what was asked."""

    def __init__(self, app: ASGIApp, *, untouched: str) -> None:
        """`untouched`: what the paths begin with that answer HEAD themselves."""
        self._app = app
        self._untouched = untouched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        heads = scope["type"] == "http" and scope["method"] == "HEAD"
        if not heads or scope["path"].startswith(self._untouched):
            await self._app(scope, receive, send)
            return
        get = {**scope, "method": "GET"}
        try:
            await self._app(get, receive, send)
        finally:
            scope.update(get | {"method": "HEAD"})  # with the route that was found
