"""Listening: every address of the host, and one clear line when it cannot be."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from lightspeed_core.cli.listeners import CannotListen, open_listeners


@contextmanager
def taken_port() -> Generator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_client_can_connect_at_once() -> None:
    port = free_port()
    listeners = open_listeners("localhost", port)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    finally:
        for listener in listeners:
            listener.close()


def test_a_taken_port_is_told() -> None:
    with taken_port() as port, pytest.raises(CannotListen) as refused:
        open_listeners("127.0.0.1", port)
    assert str(refused.value) == (
        f"127.0.0.1:{port} is in use by another process; choose another service.port"
    )


def test_an_unknown_host_is_told() -> None:
    with pytest.raises(CannotListen, match=r"nowhere\.invalid is not known \(service\.host\)"):
        open_listeners("nowhere.invalid", free_port())


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1 is no address of this machine"):
        open_listeners("192.0.2.1", free_port())
