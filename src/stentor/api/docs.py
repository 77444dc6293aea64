"""`/docs`: every route, in a browser. Its script and its style come from here, not from a CDN."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import as_file, files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import FileResponse, HTMLResponse

ASSETS = {
    "/docs/swagger-ui-bundle.js": "text/javascript",
    "/docs/swagger-ui.css": "text/css",
}
ICON = "data:,"
"""None: FastAPI's own comes from elsewhere too."""


def docs_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def page() -> HTMLResponse:
        script, style = ASSETS
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Stentor",
            swagger_js_url=script,
            swagger_css_url=style,
            swagger_favicon_url=ICON,
        )

    for path, content_type in ASSETS.items():
        router.add_api_route(path, _asset(path, content_type))
    return router


def _asset(path: str, content_type: str) -> Callable[[], Awaitable[FileResponse]]:
    async def asset() -> FileResponse:
        resource = files("fastapi_swagger") / "resources" / path.rpartition("/")[2]
        with as_file(resource) as file:
            return FileResponse(file, media_type=content_type)

    return asset
