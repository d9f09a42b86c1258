"""The answer that streams: frames as they come, comments in silence, and who has gone away.

A turn is started before this answers, and nothing is sent before its first events are there, so
that whatever refuses it is an HTTP status.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from typing import Final, override

from fastapi import Response
from starlette.types import Receive, Scope, Send

from lightspeed_core.api.connection import ClientGone, while_connected
from lightspeed_core.api.render.streaming_query import StreamRenderer
from lightspeed_core.assistant.live import EventSource
from lightspeed_core.errors import LightspeedError

logger = logging.getLogger(__name__)

_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class TurnStream(Response):
    """Streams the events of a turn in the form that the renderer gives them.

    `running` is entered as long as there is a client to stream to.
    """

    def __init__(
        self,
        source: EventSource,
        renderer: StreamRenderer,
        *,
        abandon: Callable[[str], None],
        running: AbstractContextManager[None],
    ) -> None:
        # The base class would render a body and its length; here there is neither.
        self.status_code = 200
        self.background = None
        self.media_type = renderer.media_type
        self.init_headers(_HEADERS)
        self._source = source
        self._renderer = renderer
        self._abandon = abandon
        self._running = running

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; a client that goes away ends it and is reported."""
        try:
            with self._running:
                await while_connected(receive, self._stream(send))
        except (ClientGone, OSError):
            self._abandon(self._source.turn_id)

    async def _stream(self, send: Send) -> None:
        is_begun = False
        try:
            async with aclosing(self._source.events()) as batches:
                async for events in batches:
                    if not is_begun:
                        await self._begin(send)
                        is_begun = True
                    body = self._renderer.render(events) if events else self._renderer.silence
                    if body:
                        await _send_part(send, body)
        except LightspeedError as error:
            if not is_begun:
                raise
            logger.warning("stream broke turn_id=%s cause=%s", self._source.turn_id, error.cause)
            await _send_part(send, self._renderer.render_break(error))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
