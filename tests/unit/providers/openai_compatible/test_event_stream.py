import asyncio
import itertools
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given, settings
from hypothesis import strategies as st

from lightspeed_stack_providers.failures import UpstreamCut, UpstreamGarbage, UpstreamRateLimited
from lightspeed_stack_providers.openai_compatible.event_stream import EventStream

WHOLE = (
    b': hello\r\n\r\nevent: message\r\ndata: {"n": 1}\r\n\r\n'
    b'id: 7\ndata:{"n": 2, "text": "\xc3\xa4 \\n"}\n\n'
    b'data: {"n":\ndata: 3}\n\n\n'
    b'data: {"n": 4, "error": null}\n\ndata: [DONE]\n\n'
)


def opened() -> tuple[StreamReader, EventStream]:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    content = StreamReader(protocol, limit=2**24, loop=loop)
    return content, EventStream(content)


async def read_all(stream: EventStream) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while events := await stream.read():
        found += events
    return found


async def read_parts(parts: list[bytes]) -> list[dict[str, Any]]:
    content, stream = opened()
    for part in parts:
        content.feed_data(part)
    content.feed_eof()
    return await read_all(stream)


async def test_comments_names_line_ends_and_long_objects_are_understood() -> None:
    events = await read_parts([WHOLE])
    assert [event["n"] for event in events] == [1, 2, 3, 4]
    assert events[1]["text"] == "ä \n"


@settings(deadline=None, max_examples=50)
@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_where_the_reads_end_makes_no_difference(cuts: list[int]) -> None:
    async def numbers() -> list[int]:
        content, stream = opened()
        edges = [0, *sorted(cuts), len(WHOLE)]
        async with asyncio.TaskGroup() as group:
            task = group.create_task(read_all(stream))
            for start, end in itertools.pairwise(edges):
                content.feed_data(WHOLE[start:end])
                await asyncio.sleep(0)
            content.feed_eof()
        return [event["n"] for event in task.result()]

    assert asyncio.run(numbers()) == [1, 2, 3, 4]


async def test_all_events_of_one_read_come_together() -> None:
    content, stream = opened()
    content.feed_data(b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: {"n"')
    assert await stream.read() == [{"n": 1}, {"n": 2}]


async def test_a_last_line_without_an_end_counts() -> None:
    assert await read_parts([b'data: {"n": 1}\n\ndata: [DONE]']) == [{"n": 1}]


async def test_nothing_after_the_end_mark_is_read() -> None:
    assert await read_parts([b'data: {"n": 1}\n\ndata: [DONE]\n\ndata: {"n": 2}\n\n']) == [{"n": 1}]


@pytest.mark.parametrize("data", [b"", b'data: {"n": 1}\n\n', b'data: {"n": 1}\n\ndata: {"n'])
async def test_a_stream_without_an_end_is_cut(data: bytes) -> None:
    with pytest.raises(UpstreamCut):
        await read_parts([data])


async def test_an_answer_known_to_be_complete_needs_no_end_mark() -> None:
    content, stream = opened()
    content.feed_data(b'data: {"n": 1}\n\n')
    assert await stream.read() == [{"n": 1}]
    stream.is_complete = True
    content.feed_eof()
    assert await stream.read() == []


@pytest.mark.parametrize("data", [b"data: {broken}\n\n", b"data: 3\n\n", b'data: "text"\n\n'])
async def test_an_event_that_is_no_object_is_garbage(data: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        await read_parts([data])


async def test_an_endless_line_is_garbage() -> None:
    content, stream = opened()
    content.feed_data(b"data: " + b"x" * (9 * 1024 * 1024))
    with pytest.raises(UpstreamGarbage):
        await stream.read()


async def test_what_came_before_an_error_is_not_lost() -> None:
    content, stream = opened()
    content.feed_data(b'data: {"n": 1}\n\ndata: {"error": {"code": "rate_limit_exceeded"}}\n\n')
    assert await stream.read() == [{"n": 1}]
    with pytest.raises(UpstreamRateLimited):
        await stream.read()


async def test_what_came_before_the_connection_broke_is_not_lost() -> None:
    content, stream = opened()
    content.feed_data(b'data: {"n": 1}\n\n')
    assert await stream.read() == [{"n": 1}]
    content.set_exception(ConnectionResetError("gone"))
    with pytest.raises(UpstreamCut, match="gone"):
        await stream.read()
