"""HTTP to a Llama Stack server; importing this module takes a second or two.

It speaks JSON and knows the server's way of refusing, not what its answers mean.
"""

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from lightspeed_stack_providers.failures import (
    UpstreamGarbage,
    UpstreamRejected,
    UpstreamUnreachable,
)
from lightspeed_stack_providers.lean import LeanDelta
from lightspeed_stack_providers.openai_compatible.lean_stream import lean_deltas
from lightspeed_stack_providers.openai_compatible.refusals import read_refusal
from lightspeed_stack_providers.outgoing import describe_redirect, proxy_for

CONNECT_SECONDS = 5.0

type Json = Mapping[str, Any]


class ServerClient:
    """A client of one server; raises the errors of `lightspeed_stack_providers.failures`."""

    def __init__(
        self, url: str, *, api_key: str | None, timeout: float, tls: ssl.SSLContext
    ) -> None:
        self._base = url.rstrip("/").removesuffix("/v1") + "/v1"
        self._timeout = timeout
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_key:
            headers["authorization"] = f"Bearer {api_key}"
        self._session = ClientSession(
            connector=TCPConnector(ssl=tls),
            headers=headers,
            proxy=proxy_for(self._base),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=timeout),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Read a resource."""
        return await self._ask("GET", path, params=params)

    async def post(self, path: str, body: Json) -> dict[str, Any]:
        """Ask for an operation; empty when it answers with nothing."""
        return await self._ask("POST", path, data=orjson.dumps(body))

    async def delete(self, path: str) -> dict[str, Any]:
        """Remove a resource; empty when it answers with nothing."""
        return await self._ask("DELETE", path)

    async def stream(self, path: str, body: Json) -> AsyncGenerator[LeanDelta]:
        """Ask for a streamed chat completion."""
        response = await self._send("POST", path, data=orjson.dumps(body))
        async with response:
            await self._require_success(response)
            async with aclosing(lean_deltas(response)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        timeout = ClientTimeout(total=self._timeout, sock_connect=CONNECT_SECONDS)
        async with await self._send(method, path, timeout=timeout, **options) as response:
            await self._require_success(response)
            return _read(await self._body(response))

    async def _send(self, method: str, path: str, **options: Any) -> ClientResponse:
        try:
            return await self._session.request(
                method, self._base + path, allow_redirects=False, **options
            )
        except (ClientError, TimeoutError, OSError) as exc:
            raise self._gone(exc) from exc

    async def _body(self, response: ClientResponse) -> bytes:
        try:
            return await response.read()
        except (ClientError, TimeoutError, OSError) as exc:
            raise self._gone(exc) from exc

    async def _require_success(self, response: ClientResponse) -> None:
        if 300 <= response.status < 400:
            # Followed, it would take the key to another place.
            text = describe_redirect(self._base, response.headers.get("location"))
            raise UpstreamRejected(f"{text}; llama_stack.url must name it", response.status)
        if response.status >= 400:
            body = await self._body(response)
            raise read_refusal(response.status, response.headers, body).failure()

    def _gone(self, exc: Exception) -> UpstreamUnreachable:
        reason = str(exc) or f"no answer within {self._timeout:g} s"
        return UpstreamUnreachable(f"the server at {self._base}: {reason}")


def _read(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        answer: object = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise UpstreamGarbage(f"the server answered with no JSON: {body[:80]!r}") from exc
    return answer if isinstance(answer, dict) else {"data": answer}
