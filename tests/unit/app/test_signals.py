import signal
from collections.abc import Generator
from types import FrameType

import pytest

from lightspeed_core.app.signals import on_termination


@pytest.fixture
def heard() -> Generator[list[str]]:
    """What the server's handler and ours heard, in order; the handler is taken away again."""
    heard: list[str] = []

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        heard.append("server")

    before = signal.signal(signal.SIGTERM, handle)
    yield heard
    signal.signal(signal.SIGTERM, before)


def test_the_announcement_comes_before_the_servers_own_handler(heard: list[str]) -> None:
    with on_termination(lambda: heard.append("announced")):
        signal.raise_signal(signal.SIGTERM)

    assert heard == ["announced", "server"]


def test_the_servers_handler_stands_again_afterwards(heard: list[str]) -> None:
    with on_termination(lambda: heard.append("announced")):
        pass
    signal.raise_signal(signal.SIGTERM)

    assert heard == ["server"]


def test_without_a_server_signals_keep_their_meaning() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with on_termination(lambda: None):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
