"""The transport beneath the SDK: bounds what a server may send, and lets no redirect through.

It knows statuses and sizes, and nothing of the protocol. Importing it imports httpx.
"""

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Final, override

import httpx

from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_stack_providers.outgoing import describe_redirect

_LONGEST_CHALLENGE: Final = 4096

type OnFailure = Callable[[McpFailed], None]


class BoundedTransport(httpx.AsyncBaseTransport):
    """Hands on the answers that a session can use; others end it by `on_failure`."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, limits: McpLimits, on_failure: OnFailure
    ) -> None:
        self._inner = inner
        self._limits = limits
        self._on_failure = on_failure

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        failure = _judge(request, response)
        if failure is not None:
            await response.aclose()
            raise self._told(failure)
        is_stream = request.method == "GET"
        limit = self._limits.stream_bytes if is_stream else self._limits.answer_bytes
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_BoundedStream(response, limit, self._told),
            extensions=response.extensions,
        )

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    def _told(self, failure: McpFailed) -> McpFailed:
        self._on_failure(failure)
        return failure


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(
        self, response: httpx.Response, limit: int, told: Callable[[McpFailed], McpFailed]
    ) -> None:
        self._response = response
        self._limit = limit
        self._told = told

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._response.aiter_raw():
            seen += len(part)
            if seen > self._limit:
                raise self._told(McpFailed(f"it sent more than {self._limit} bytes"))
            yield part

    @override
    async def aclose(self) -> None:
        await self._response.aclose()


def _judge(request: httpx.Request, response: httpx.Response) -> McpFailed | None:
    status, headers = response.status_code, response.headers
    if status == HTTPStatus.UNAUTHORIZED:
        return McpUnauthorized(_challenge(headers.get("www-authenticate")))
    if response.has_redirect_location:
        place = describe_redirect(str(request.url.copy_with(query=None)), headers.get("location"))
        return McpFailed(place)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        return McpFailed("it sent a compressed answer, which was not asked for")
    # That there is no stream of events is no failure, and a session that is over need not end.
    if status >= HTTPStatus.BAD_REQUEST and request.method == "POST":
        return McpFailed(f"it answered with status {status}", status=status)
    return None


def _challenge(value: str | None) -> str | None:
    if value is None or not (value.isascii() and value.isprintable()):
        return None
    return value[:_LONGEST_CHALLENGE]
