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

_NOTHING_ELSE: Final = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STRICT_POLICY: Final = f"default-src 'none'; style-src 'self'; img-src 'self'; {_NOTHING_ELSE}"
SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    f"connect-src 'self'; {_NOTHING_ELSE}"
)
# Redoc fills one empty style element by script, and writes one text of its own into another; it
# searches in a worker made from a blob.
REDOC_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' "
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; "
    f"img-src 'self' data:; connect-src 'self'; worker-src blob:; {_NOTHING_ELSE}"
)
_PAGE_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
}


async def page(request: Request, file: str, *, name: str, policy: str) -> Response:
    """Answer with a page of the package."""
    text = await anyio.Path(_WEB / file).read_text(encoding="utf-8")
    body = text.replace("{{name}}", escape(name)).encode()
    return with_etag(
        request,
        body,
        media_type="text/html",
        headers={"Content-Security-Policy": policy, **_PAGE_HEADERS},
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
