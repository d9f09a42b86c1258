"""Server-sent events, read in batches: all events that one read brought, each parsed once.

Lines are split by hand and each `data:` line is expected to be a JSON object; an object that spans
several such lines is put together when the first line alone does not parse.
"""

import asyncio
from typing import Any, cast

import orjson
from aiohttp import ClientError, StreamReader

from lightspeed_stack_providers.failures import UpstreamCut, UpstreamFailure, UpstreamGarbage
from lightspeed_stack_providers.openai_compatible.refusals import refusal_of

LONGEST_LINE = 8 * 1024 * 1024
# How long an endpoint may take to close a stream whose answer is complete.
TAIL_SECONDS = 2.0


class EventStream:
    """The events of a response's content.

    The reader sets `is_complete` once the answer is; a stream that ends before is cut.
    """

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._rest = b""
        self._partial = b""
        self._failure: UpstreamFailure | None = None
        self._has_ended = False
        self.is_complete = False

    async def read(self) -> list[dict[str, Any]]:
        """Return the next events, none at the end. Raises `UpstreamFailure`.

        Events that came before a failure in one read are returned first.
        """
        while not self._has_ended and self._failure is None:
            data = await self._read_bytes()
            if events := self._split(data):
                return events
        if self._failure is not None:
            raise self._failure
        if not self.is_complete:
            raise UpstreamCut("the answer ended before it was complete")
        return []

    async def drain(self) -> None:
        """Read the few bytes that follow the last event, so that the connection is kept."""
        if not self._content.at_eof():
            await self._read_bytes()

    async def _read_bytes(self) -> bytes:
        try:
            async with asyncio.timeout(TAIL_SECONDS if self.is_complete else None):
                data = await self._content.readany()
        except (ClientError, TimeoutError, OSError) as exc:
            self._has_ended = True
            if not self.is_complete:
                self._failure = UpstreamCut(f"the answer broke off: {exc!r}")
                self._failure.__cause__ = exc
            return b""
        if not data:
            self._has_ended = True
            return b"\n"
        return data

    def _split(self, data: bytes) -> list[dict[str, Any]]:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        events: list[dict[str, Any]] = []
        try:
            for line in lines:
                self._take(line, events)
        except UpstreamFailure as failure:
            self._failure = failure
        if len(self._rest) > LONGEST_LINE:
            self._failure = UpstreamGarbage("a line of the stream has no end")
        return events

    def _take(self, line: bytes, events: list[dict[str, Any]]) -> None:
        if line[:5] == b"data:":
            payload = line[5:].strip()
            if payload == b"[DONE]":
                self.is_complete = self._has_ended = True
            elif not self._has_ended and payload:
                self._load(payload, events)
        elif self._partial and not line.strip():
            raise UpstreamGarbage(f"an event is not JSON: {self._partial[:80]!r}")

    def _load(self, payload: bytes, events: list[dict[str, Any]]) -> None:
        text = self._partial + b"\n" + payload if self._partial else payload
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            self._partial = text
            return
        self._partial = b""
        if not isinstance(event, dict):
            raise UpstreamGarbage(f"an event is no object: {payload[:80]!r}")
        found = cast("dict[str, Any]", event)
        if found.get("error"):
            raise refusal_of(found).failure()
        events.append(found)
