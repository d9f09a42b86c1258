"""Pages and their files: read from the package, sent with an ETag and a content policy.

It knows no route. Pages name the service in place of `{{name}}`.
"""

import hashlib
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

import anyio
from fastapi import Request, Response
from fastapi.staticfiles import StaticFiles

_WEB: Final = Path(str(files("lightspeed_core") / "web"))

STRICT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Both viewers write styles into the page; Redoc searches in a worker made from a blob.
VIEWER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def page(request: Request, file: str, *, name: str, policy: str) -> Response:
    """Answer with a page of the package."""
    text = await anyio.Path(_WEB / file).read_text(encoding="utf-8")
    body = text.replace("{{name}}", escape(name)).encode()
    return with_etag(
        request,
        body,
        media_type="text/html",
        headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    )


def with_etag(
    request: Request, body: bytes, *, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """Answer with a body, or with 304 when the client has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", **(headers or {})}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


async def static_file(request: Request, path: str) -> Response:
    """Answer with a file of the package; its path never leaves the folder of the pages."""
    response = await StaticFiles(directory=_WEB).get_response(path, request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response
