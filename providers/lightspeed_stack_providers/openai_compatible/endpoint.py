"""One endpoint over HTTP: connections, timeouts, attempts. It knows nothing of chats.

Proxies are read from the environment once: aiohttp's own `trust_env` asks a thread twice for every
request.
"""

import asyncio
import io
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)

from lightspeed_stack_providers.failures import (
    UpstreamFailure,
    UpstreamGarbage,
    UpstreamUnreachable,
)
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.refusals import Refusal, read_refusal
from lightspeed_stack_providers.outgoing import describe_redirect, proxy_for

logger = logging.getLogger(__name__)

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})
FIRST_WAIT = 0.25
KEEP_ALIVE = 30.0
LONGEST_REFUSAL = 64 * 1024
# aiohttp warns of larger bodies that are given as plain bytes.
LONGEST_PLAIN_BODY = 1024 * 1024


class Setback(Exception):
    """An attempt that brought no answer; `wait` is None where another one is of no use."""

    def __init__(self, failure: UpstreamFailure, wait: float | None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait = wait


class Endpoint:
    """A client of one endpoint; connects lazily, on the loop that first uses it.

    `tls` takes the place of what the configuration says of certificates. A proxy is never asked
    for an endpoint that `is_local`.
    """

    def __init__(
        self,
        config: OpenAICompatibleConfig,
        tls: ssl.SSLContext | None = None,
        *,
        is_local: bool = False,
    ) -> None:
        self._config = config
        self._tls = tls
        self._is_local = is_local
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close all connections; harmless when repeated."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, path: str, *, seconds: float) -> tuple[int, bytes]:
        """GET once; return status and body. Raises `UpstreamFailure` without an answer."""
        # On a connection of its own: `llama stack run` asks for models on another loop than it
        # serves on, and an open session would stay behind on the first.
        url, timeout = self._config.base_url + path, ClientTimeout(total=seconds)
        try:
            async with (
                self._open() as session,
                session.get(url, timeout=timeout, allow_redirects=False) as response,
            ):
                if 300 <= response.status < 400:
                    raise self._redirected(response).failure()
                return response.status, await response.read()
        except (ClientError, TimeoutError, OSError) as exc:
            raise self._setback(exc, 0).failure from exc

    async def post(self, path: str, body: Mapping[str, Any]) -> ClientResponse:
        """POST until there is an answer with status 200; the caller releases it.

        Raises the causes of `lightspeed_stack_providers.failures`.
        """
        data = orjson.dumps(body)
        waited = 0.0
        attempt = 0
        while True:
            try:
                return await self._attempt(path, data, attempt)
            except Setback as setback:
                wait = setback.wait
                is_last = attempt >= self._config.max_retries
                if wait is None or is_last or waited + wait > self._config.max_retry_wait:
                    raise setback.failure from setback.__cause__
                logger.info(
                    "model endpoint will be asked again",
                    extra={"wait_seconds": wait, "reason": str(setback.failure)},
                )
            attempt += 1
            waited += wait
            await asyncio.sleep(wait)

    async def _attempt(self, path: str, data: bytes, attempt: int) -> ClientResponse:
        payload = data if len(data) < LONGEST_PLAIN_BODY else io.BytesIO(data)
        url = self._config.base_url + path
        try:
            # Followed, a redirect would take key and question to another place.
            response = await self._connected().post(url, data=payload, allow_redirects=False)
        except (ClientError, TimeoutError, OSError) as exc:
            raise self._setback(exc, attempt) from exc
        if response.status == 200:
            return response
        async with response:
            raise await self._refused(response, attempt)

    async def _refused(self, response: ClientResponse, attempt: int) -> Setback:
        is_redirect = 300 <= response.status < 400
        refusal = self._redirected(response) if is_redirect else await _read_refusal(response)
        failure = refusal.failure()
        if response.status not in PASSING_STATUSES or refusal.is_hopeless:
            return Setback(failure, None)
        wait = refusal.retry_after
        return Setback(failure, FIRST_WAIT * 2**attempt if wait is None else wait)

    def _redirected(self, response: ClientResponse) -> Refusal:
        text = describe_redirect(self._config.base_url, response.headers.get("location"))
        return Refusal(f"{text}; base_url must name it", status=response.status)

    def _setback(self, exc: Exception, attempt: int) -> Setback:
        where = self._config.base_url
        if isinstance(exc, ConnectionTimeoutError):
            text = f"{where} did not connect within {self._config.connect_timeout:g} s"
            return Setback(UpstreamUnreachable(text), None)
        if isinstance(exc, TimeoutError):
            return Setback(UpstreamUnreachable(f"{where} did not answer in time"), None)
        if isinstance(exc, ClientSSLError):
            return Setback(UpstreamUnreachable(f"{where} failed the TLS check: {exc}"), None)
        if isinstance(exc, ClientResponseError):
            return Setback(UpstreamGarbage(f"{where} does not speak HTTP: {exc.message}"), None)
        is_passing = isinstance(exc, ClientConnectionError | OSError)
        wait = FIRST_WAIT * 2**attempt if is_passing else None
        return Setback(UpstreamUnreachable(f"{where} cannot be reached: {exc}"), wait)

    def _connected(self) -> ClientSession:
        if self._session is None or self._session.closed:
            self._session = self._open()
        return self._session

    def _open(self) -> ClientSession:
        config = self._config
        tls = self._tls or config.tls_context()
        return ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ssl=tls),
            timeout=ClientTimeout(
                total=config.total_timeout,
                sock_connect=config.connect_timeout,
                sock_read=config.idle_timeout,
            ),
            cookie_jar=DummyCookieJar(),
            headers=_headers(config),
            proxy=None if self._is_local else proxy_for(config.base_url),
        )


async def _read_refusal(response: ClientResponse) -> Refusal:
    body = bytearray()
    try:
        async for part in response.content.iter_any():
            body += part
            if len(body) > LONGEST_REFUSAL:
                break
    except (ClientError, TimeoutError, OSError):
        logger.info("model endpoint broke off its refusal", extra={"status": response.status})
    return read_refusal(response.status, response.headers, bytes(body))


def _headers(config: OpenAICompatibleConfig) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        # Compression makes some servers hold tokens back.
        "accept-encoding": "identity",
        "user-agent": "lightspeed-stack-providers",
    }
    if config.api_key:
        headers["authorization"] = f"Bearer {config.api_key.get_secret_value()}"
    given = {name.lower(): value.get_secret_value() for name, value in config.headers.items()}
    return headers | given
