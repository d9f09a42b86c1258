"""Reading the bodies of requests: how large, how slow, and how many at a time.

It knows neither routes nor what a body says.
"""

import asyncio
from collections.abc import AsyncIterable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect

from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import (
    BodyTooLarge,
    MalformedRequest,
    Overloaded,
    RequestTooSlow,
    UnsupportedMedia,
)

_RETRY_AFTER_SECONDS: Final = 5


class HeldBytes:
    """How much of all bodies is in the memory of this process."""

    def __init__(self) -> None:
        self.size = 0


class BodyReader:
    """Reads one body. What it has read counts as held until `release`."""

    def __init__(self, limits: ServiceLimits, held: HeldBytes) -> None:
        self._limits = limits
        self._held = held
        self.size = 0

    async def read(self, headers: Mapping[str, str], stream: AsyncIterable[bytes]) -> bytes:
        """Return the whole body.

        Raises:
            UnsupportedMedia: It is compressed; nothing is inflated here.
            BodyTooLarge: It is or says that it is larger than the limit.
            Overloaded: With it more bytes would be held than allowed.
            RequestTooSlow: It arrives below the least pace.
            MalformedRequest: The client went away before its end.
        """
        self._check_headers(headers)
        try:
            return await self._read_in_time(stream)
        except ClientDisconnect:
            raise MalformedRequest("Invalid request", "The body ended too early.") from None
        except TimeoutError:
            raise RequestTooSlow("The body of the request took too long to arrive.") from None

    def release(self) -> None:
        """Count what was read as held no longer."""
        self._held.size -= self.size
        self.size = 0

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        coding = headers.get("content-encoding", "identity")
        if coding.lower() != "identity":
            raise UnsupportedMedia("The body is compressed; send it without Content-Encoding.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.max_body_bytes:
            raise BodyTooLarge(self._limits.max_body_bytes)

    async def _read_in_time(self, stream: AsyncIterable[bytes]) -> bytes:
        parts: list[bytes] = []
        seconds = self._limits.body_timeout_seconds
        enough = seconds * self._limits.min_body_bytes_per_second
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds) as patience:
            due = enough
            async for part in stream:
                self._take(len(part))
                parts.append(part)
                if self.size >= due:
                    due = self.size + enough
                    patience.reschedule(loop.time() + seconds)
        return b"".join(parts)

    def _take(self, size: int) -> None:
        if self.size + size > self._limits.max_body_bytes:
            raise BodyTooLarge(self._limits.max_body_bytes)
        if self._held.size + size > self._limits.max_held_bytes:
            raise Overloaded(
                "As many large requests are read as can be at once.",
                retry_after=_RETRY_AFTER_SECONDS,
            )
        self.size += size
        self._held.size += size
