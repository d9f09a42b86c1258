"""HTTP/1.1 as uvicorn speaks it, and what a client may not do before a route is asked.

It watches heads and the framing of bodies; what is in a body is no concern of its.
"""

import asyncio
import logging
from enum import Enum, auto
from typing import Any, Final, cast, override

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from lightspeed_core.cli.idle_connections import IdleConnections
from lightspeed_core.cli.polite_transport import Farewell, PoliteTransport
from lightspeed_core.cli.request_head import check_head, check_size, head_too_long
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import (
    LightspeedError,
    MalformedRequest,
    Overloaded,
    RequestTooSlow,
)

logger = logging.getLogger(__name__)

_RETRY_AFTER_SECONDS: Final = 5
# Of a body that nobody reads, so much is taken before the connection is closed.
_UNREAD_BYTES: Final = 65_536
# Bytes of framing for one of content: a chunk of a single byte needs five.
_FRAMING_PER_BYTE: Final = 8


class _Stage(Enum):
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()


class LimitedProtocol(HttpToolsProtocol):
    """One connection, with limits on heads, framing, idleness and the number of connections."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: ServiceLimits,
        idle: IdleConnections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._idle = idle
        self._stage = _Stage.BETWEEN
        self._part = 0
        self._polite: PoliteTransport
        self._farewell: Farewell | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        # Of the present head or body: bytes as they came, those of content, those nobody reads.
        self._wire_bytes = 0
        self._content_bytes = 0
        self._unread_bytes = 0
        self._is_deaf = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        self._polite = PoliteTransport(transport, self._close)
        super().connection_made(self._polite)
        if self._idle.make_room(len(self.connections)):
            self._idle.add(self)
            self._watch_head()
        else:
            self._write_refusal(
                Overloaded("Too many connections are open.", retry_after=_RETRY_AFTER_SECONDS)
            )
            transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._idle.remove(self)
        self._unwatch_head()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close at once, for a connection that has something to ask."""
        self._polite.inner.close()

    @override
    def shutdown(self) -> None:
        if self._farewell is not None:
            self._farewell.end()
        else:
            super().shutdown()

    @override
    def data_received(self, data: bytes) -> None:
        if self._farewell is not None:
            self._farewell.drop()
            return
        if self._is_deaf:
            return
        part = self._part
        try:
            self._reading.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here, and what follows need not be HTTP.
            self._take_no_more()
        except httptools.HttpParserError as error:
            self._refuse(_refusal_of(error))
        else:
            # What a part begins with came together with the end of the part before it.
            self._judge_part(len(data) if part == self._part else 0)

    def _judge_part(self, size: int) -> None:
        """Look at a message that has not arrived whole; `size` bytes of it have just come."""
        if self._stage is _Stage.BETWEEN:
            return
        self._wire_bytes += size
        if self._stage is _Stage.HEAD:
            if self._wire_bytes > self._limits.max_header_bytes:
                self._refuse(head_too_long(self._limits))
            elif self._head_timer is None:
                self._watch_head()
        elif self._framing_bytes() > self._limits.max_header_bytes:
            self._refuse(_malformed("The body has more framing than content."))
        elif self.cycle.response_complete:
            self._unread_bytes += size
            if self._unread_bytes > _UNREAD_BYTES:
                self._close()

    def _framing_bytes(self) -> int:
        return self._wire_bytes - self._content_bytes * _FRAMING_PER_BYTE

    @property
    def _reading(self) -> httptools.HttpRequestParser:
        """The parser, which is there for as long as the connection is."""
        return cast("httptools.HttpRequestParser", self.parser)

    @override
    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        self._begin(_Stage.HEAD)
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        upgrades = self._reading.should_upgrade()
        check_size(self.url, self.headers, self._limits)
        check_head(self.url, self.headers, self._reading.get_http_version(), upgrades=upgrades)
        # Trailers are handed over as headers are, and must not pass for them (RFC 9110 §6.5.1).
        self.scope["headers"] = self.headers.copy()
        self._begin(_Stage.BODY)
        self._unwatch_head()
        self._idle.remove(self)
        super().on_headers_complete()

    def _begin(self, stage: _Stage) -> None:
        self._stage = stage
        self._part += 1
        self._wire_bytes = self._content_bytes = self._unread_bytes = 0

    @override
    def on_body(self, body: bytes) -> None:
        self._content_bytes += len(body)
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._stage = _Stage.BETWEEN
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self._polite.is_closing():
            self._idle.add(self)

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(
            self._limits.header_timeout_seconds, self._end_late_head
        )

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_late_head(self) -> None:
        self._head_timer = None
        if self._stage is _Stage.HEAD:
            self._refuse(RequestTooSlow("The headers of the request took too long to arrive."))
        else:
            self._polite.inner.close()

    def _refuse(self, error: LightspeedError) -> None:
        """Answer the message that is arriving, where its turn has come, and take no other."""
        logger.info("request refused code=%s cause=%s", error.code, error.cause)
        if not self.cycle or self.cycle.response_complete:
            self._write_refusal(error)
            self._leave()
        elif self._stage is not _Stage.BODY or self.cycle.response_started:
            self._take_no_more()
        elif self.pipeline:
            # Whoever reads the broken body is not to be asked, and the answer before it is cut.
            self._polite.inner.close()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._write_refusal(error)
            self._leave()

    def _take_no_more(self) -> None:
        """Answer what has been asked so far, then close."""
        self._is_deaf = True
        self.cycle.keep_alive = False

    def _write_refusal(self, error: LightspeedError) -> None:
        # Imported here, so that the parent of workers stays small.
        from lightspeed_core.api.errors import render_refusal

        answer = render_refusal(error)
        answer.headers["x-content-type-options"] = "nosniff"
        answer.headers["connection"] = "close"
        lines = [
            b"%s: %s\r\n" % header
            for header in (*self.server_state.default_headers, *answer.raw_headers)
        ]
        self._polite.write(
            b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", answer.body])
        )

    def _close(self) -> None:
        """Close as soon as the client has nothing more to say."""
        if self._polite.is_closing():
            return
        if self._stage is _Stage.BETWEEN:
            self._polite.inner.close()
        else:
            self._leave()

    def _leave(self) -> None:
        self._unset_keepalive_if_required()
        self._unwatch_head()
        self.flow.resume_reading()
        self._farewell = Farewell(self._polite, self.loop)


def _refusal_of(error: httptools.HttpParserError) -> LightspeedError:
    cause = error.__context__
    if isinstance(cause, LightspeedError):
        return cause
    return _malformed("The request is not valid HTTP.")


def _malformed(cause: str) -> MalformedRequest:
    return MalformedRequest("Invalid request", cause)
