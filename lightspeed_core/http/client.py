"""Fetches small documents over HTTP, bounded in time, size and redirects.

It keeps no cookies, sends no credentials, and takes no compressed answers: their size is what was
counted while they were read.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from lightspeed_core.http.addresses import Allowed
from lightspeed_core.http.connector import Guard, Lookup, guarded_connector, system_lookup
from lightspeed_core.http.failures import OutboundFailed, OutboundRefused
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.targets import Target, parse_target
from lightspeed_core.http.tls import context_of
from lightspeed_stack_providers.outgoing import proxy_for

CONNECT_SECONDS: Final = 5.0
MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "lightspeed-stack"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutboundClient:
    """Asks trusted addresses, or with a guard those that come from requests or the network."""

    def __init__(self, session: ClientSession, guard: Guard | None) -> None:
        self._session = session
        self._guard = guard

    async def close(self) -> None:
        """Close all connections; harmless when repeated."""
        await self._session.close()

    async def get(self, url: str, *, limit: int = 1_048_576, seconds: float = 5.0) -> Answer:
        """GET a document of at most `limit` bytes, within `seconds` for everything together.

        A trusted address may redirect within its own origin (scheme, host and port). A guarded one
        may redirect to other hosts by the same scheme, and each is judged anew.

        Raises `OutboundRefused` where policy forbids it, `OutboundFailed` where there is no answer.
        """
        target = parse_target(url)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(target, limit)
        except TimeoutError as exc:
            raise OutboundFailed(f"{target} did not answer within {seconds:g} s") from exc

    async def _follow(self, target: Target, limit: int) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            if self._guard is not None and target.address is not None:
                self._guard.check(target.host, target.address)
            answer = await self._ask(target, limit)
            if not _is_redirect(answer):
                return answer
            target = self._next(target, answer.headers["location"])
        raise OutboundRefused(f"{target} was reached by more than {MOST_REDIRECTS} redirects")

    def _next(self, target: Target, location: str) -> Target:
        following = parse_target(location, base=target)
        if self._guard is None and following.origin != target.origin:
            raise OutboundRefused(f"{target} redirects to {following}; only it itself is trusted")
        if following.url.scheme != target.url.scheme:
            raise OutboundRefused(f"{target} redirects to {following}, which is another scheme")
        return following

    async def _ask(self, target: Target, limit: int) -> Answer:
        proxy = proxy_for(str(target.url)) if self._guard is None else None
        try:
            async with self._session.get(
                target.url, allow_redirects=False, proxy=proxy
            ) as response:
                answer = Answer(response.status, response.headers, b"")
                if _is_redirect(answer):
                    return answer
                return Answer(response.status, response.headers, await _read(response, limit))
        except (ClientError, OSError) as exc:
            raise OutboundFailed(f"{target} gave no answer: {_reason(exc)}") from exc


def open_client(
    settings: OutboundSettings, *, is_trusted: bool, lookup: Lookup = system_lookup
) -> OutboundClient:
    """Open a client on the running loop; its owner closes it.

    Trusted addresses come from the configuration; they may be private, and are asked through the
    proxy of the environment where there is one. All others come from a request or the network:
    their names are resolved by `lookup`, without a proxy, and only public addresses are asked.

    Raises `ConfigurationError` when the files of the settings cannot be used.
    """
    tls = context_of(settings)
    guard = None if is_trusted else Guard(Allowed(settings.allowed_private), lookup)
    session = ClientSession(
        connector=TCPConnector(ssl=tls) if guard is None else guarded_connector(guard, tls),
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        cookie_jar=DummyCookieJar(),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )
    return OutboundClient(session, guard)


def _is_redirect(answer: Answer) -> bool:
    return answer.status in _REDIRECTS and "location" in answer.headers


async def _read(response: ClientResponse, limit: int) -> bytes:
    coding = response.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise OutboundRefused(f"{response.url.origin()} sent {coding!r}, which was not asked for")
    body = bytearray()
    if (response.content_length or 0) <= limit:
        async for part in response.content.iter_any():
            body += part
            if len(body) > limit:
                break
        else:
            return bytes(body)
    raise OutboundRefused(f"{response.url.origin()} sent more than {limit} bytes")


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
