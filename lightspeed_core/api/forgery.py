"""What a page of another site can make a browser send without asking anybody first: refused.

Browsers send forms to any site, and scripts whatever could be a form
(https://fetch.spec.whatwg.org/#simple-header); for everything else they ask by CORS before.
"""

from typing import Final

from fastapi import Request

from lightspeed_core.errors import Forbidden, UnsupportedMedia

CHANGING_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods by which a request can change something."""

_FORMS: Final = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
_ASKED_BEFORE: Final = "cors"


def refuse_forgery(request: Request, *, reads_json: bool) -> None:
    """Judge a request of a method that changes something, before its body is read.

    A body without a type is JSON, as it always was; browsers also send it for other sites, so of a
    page it is refused. Raises `UnsupportedMedia` for a body that is not JSON where one is read, and
    for forms on every route; `Forbidden` for what another site sent without a body.
    """
    header = request.headers.get("content-type", "")
    media_type = header.partition(";")[0].strip().lower()
    if media_type in _FORMS or (reads_json and media_type and not _is_json(media_type)):
        raise UnsupportedMedia(f"The body is {media_type}; send JSON, as application/json.")
    if media_type:
        return
    if reads_json and _is_of_page(request):
        raise UnsupportedMedia("The body has no type; send JSON, as application/json.")
    if _is_unasked(request):
        raise Forbidden(
            "Pages of other sites may not do this",
            "The browser sent the request for a page of another site without asking by CORS.",
        )


def refuse_foreign_form(request: Request, callers: frozenset[str]) -> None:
    """Judge a request of a route that reads a form, which browsers send for any page unasked.

    The service's own pages may send it, those of `callers`, which are origins, and what is no
    browser. Raises `Forbidden` for other pages.
    """
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site")
    host = request.headers.get("host", "").lower()
    if site is None:
        is_own = not origin or origin.partition("://")[2] == host
    else:
        is_own = site not in _FOREIGN_SITES
    if not is_own and origin not in callers:
        raise Forbidden(
            "Pages of other sites may not do this",
            f"The form was sent by a page of '{origin or 'another site'}', which neither "
            "service.cors.allow_origins nor service.allowed_origins names.",
        )


def _is_json(media_type: str) -> bool:
    kind, _, name = media_type.partition("/")
    return kind == "application" and (name == "json" or name.endswith("+json"))


def _is_of_page(request: Request) -> bool:
    return "origin" in request.headers or "sec-fetch-site" in request.headers


def _is_unasked(request: Request) -> bool:
    headers = request.headers
    return (
        headers.get("sec-fetch-site") in _FOREIGN_SITES
        and headers.get("sec-fetch-mode") != _ASKED_BEFORE
    )
