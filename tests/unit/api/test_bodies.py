"""How much of a body is read, how slowly, and beside how many others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect

from lightspeed_core.api.bodies import BodyReader, HeldBytes
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import (
    BodyTooLarge,
    MalformedRequest,
    Overloaded,
    RequestTooSlow,
    UnsupportedMedia,
)

LIMITS = ServiceLimits(
    max_body_bytes=10,
    max_held_bytes=15,
    body_timeout_seconds=1,
    min_body_bytes_per_second=2,
)


class Sent:
    """A body in parts; counts what was taken of them."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part


@pytest.mark.attack(28)
async def test_a_body_as_large_as_allowed_is_read() -> None:
    reader = BodyReader(LIMITS, HeldBytes())
    assert await reader.read({"content-length": "10"}, Sent(b"12345", b"67890")) == b"1234567890"


@pytest.mark.attack(28)
async def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    sent = Sent(b"12345678901")
    with pytest.raises(BodyTooLarge, match="limit of 10 bytes"):
        await BodyReader(LIMITS, HeldBytes()).read({"content-length": "11"}, sent)
    assert sent.taken == 0


@pytest.mark.attack(28)
async def test_a_body_that_turns_out_too_large_is_read_no_further() -> None:
    sent = Sent(b"12345", b"67890", b"1", b"2", b"3")
    with pytest.raises(BodyTooLarge):
        await BodyReader(LIMITS, HeldBytes()).read({}, sent)
    assert sent.taken == 3


@pytest.mark.attack(28)
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "GZIP"])
async def test_a_compressed_body_is_refused_unread(coding: str) -> None:
    sent = Sent(b"x")
    with pytest.raises(UnsupportedMedia):
        await BodyReader(LIMITS, HeldBytes()).read({"content-encoding": coding}, sent)
    assert sent.taken == 0


async def test_a_body_that_says_it_is_not_compressed_is_read() -> None:
    headers = {"content-encoding": "Identity"}
    assert await BodyReader(LIMITS, HeldBytes()).read(headers, Sent(b"x")) == b"x"


async def test_bodies_beyond_what_may_be_held_are_refused_until_others_are_released() -> None:
    held = HeldBytes()
    first, second = BodyReader(LIMITS, held), BodyReader(LIMITS, held)
    await first.read({}, Sent(b"1234567890"))

    with pytest.raises(Overloaded) as refusal:
        await second.read({}, Sent(b"12345", b"6"))
    assert refusal.value.retry_after
    assert held.size == 15
    second.release()
    first.release()

    assert await second.read({}, Sent(b"1234567890")) == b"1234567890"
    second.release()
    assert held.size == 0


@pytest.mark.attack(29)
async def test_a_body_that_stops_arriving_is_given_up() -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.Event().wait()

    with pytest.raises(RequestTooSlow):
        await BodyReader(LIMITS, HeldBytes()).read({}, stalled())


@pytest.mark.attack(29)
async def test_a_body_that_drips_is_given_up() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b""
            await asyncio.sleep(0.05)

    with pytest.raises(RequestTooSlow):
        await BodyReader(LIMITS, HeldBytes()).read({}, dripping())


async def test_a_body_that_keeps_its_pace_may_take_long() -> None:
    async def steady() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.4)
            yield b"12"

    assert await BodyReader(LIMITS, HeldBytes()).read({}, steady()) == b"12121212"


async def test_a_client_that_goes_away_in_its_body_has_sent_a_malformed_request() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"1"
        raise ClientDisconnect

    with pytest.raises(MalformedRequest, match="ended too early"):
        await BodyReader(LIMITS, HeldBytes()).read({}, broken())
