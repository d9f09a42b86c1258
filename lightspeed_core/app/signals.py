"""Hear of a termination before the server acts on it.

The server first waits for its open connections and only then ends the lifespan. A stream that
shall end properly has to be told at once.
"""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

_TERMINATIONS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_termination(announce: Callable[[], None]) -> Generator[None]:
    """Call `announce` at a signal to end, before the handler that the server installed.

    Where no server handles signals in this thread, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    installed = {number: signal.getsignal(number) for number in _TERMINATIONS}

    def announce_and_pass_on(number: int, frame: FrameType | None) -> None:
        announce()
        handler = installed[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    hooked = [number for number, handler in installed.items() if _is_servers(handler)]
    for number in hooked:
        signal.signal(number, announce_and_pass_on)
    try:
        yield
    finally:
        for number in hooked:
            signal.signal(number, installed[number])


def _is_servers(handler: object) -> bool:
    return callable(handler) and handler is not signal.default_int_handler
