"""The pages that need no caller: `/`, `/docs`, `/redoc`, their files and the API's document."""

import json

from fastapi import APIRouter, Request, Response

from lightspeed_core.api.deps import ConfigurationDep
from lightspeed_core.api.guards import GuardedRoute, public
from lightspeed_core.api.pages import (
    REDOC_POLICY,
    STRICT_POLICY,
    SWAGGER_POLICY,
    page,
    static_file,
    with_etag,
)

router = APIRouter(route_class=GuardedRoute, dependencies=[public()], include_in_schema=False)


@router.get("/")
async def root(request: Request, configuration: ConfigurationDep) -> Response:
    """Show the page with links."""
    return await page(request, "index.html", name=configuration.name, policy=STRICT_POLICY)


@router.get("/docs")
async def docs(request: Request, configuration: ConfigurationDep) -> Response:
    """Show the API in Swagger UI."""
    return await page(request, "docs.html", name=configuration.name, policy=SWAGGER_POLICY)


@router.get("/redoc")
async def redoc(request: Request, configuration: ConfigurationDep) -> Response:
    """Show the API in Redoc."""
    return await page(request, "redoc.html", name=configuration.name, policy=REDOC_POLICY)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Return the API's document."""
    body = json.dumps(request.app.openapi(), ensure_ascii=False).encode()
    return with_etag(request, body, media_type="application/json")


@router.get("/static/{path:path}")
async def static(request: Request, path: str) -> Response:
    """Return a file of the pages."""
    return await static_file(request, path)
