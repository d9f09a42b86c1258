"""Closing a connection while its client still sends. It knows nothing of HTTP."""

import asyncio
from collections.abc import Callable
from typing import Final, override

_SILENCE_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 30.0


class PoliteTransport(asyncio.Transport):
    """A transport whose `close` is somebody else's decision; the rest is that of the inner one."""

    def __init__(self, inner: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self.inner = inner
        self.is_leaving = False
        self._close = close
        # Taken over as they are, so that an answer costs no call more.
        self.write = inner.write
        self.get_extra_info = inner.get_extra_info
        self.pause_reading = inner.pause_reading
        self.resume_reading = inner.resume_reading

    @override
    def close(self) -> None:
        self._close()

    @override
    def is_closing(self) -> bool:
        return self.is_leaving or self.inner.is_closing()


class Farewell:
    """Takes what a client still sends, drops it, and closes when the client is done.

    A socket that is closed with unread bytes in it resets the connection, and the client loses the
    answer that it has not read yet (RFC 9112 §9.6). A client that goes on for long is cut off.
    """

    def __init__(self, transport: PoliteTransport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._is_silent = True
        self._ends_at = loop.time() + _LONGEST_SECONDS
        transport.is_leaving = True
        if transport.inner.can_write_eof():
            transport.inner.write_eof()
        self._timer = loop.call_later(_SILENCE_SECONDS, self._look)

    def drop(self) -> None:
        """Note that more has come."""
        self._is_silent = False

    def end(self) -> None:
        """Close now."""
        self._timer.cancel()
        self._transport.inner.close()

    def _look(self) -> None:
        if self._is_silent or self._loop.time() >= self._ends_at:
            self._transport.inner.close()
            return
        self._is_silent = True
        self._timer = self._loop.call_later(_SILENCE_SECONDS, self._look)
