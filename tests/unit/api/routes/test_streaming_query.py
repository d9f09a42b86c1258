"""`/v1/streaming_query`: asking, reading on, stopping."""

from starlette.types import ASGIApp

from tests.support.asgi import open_stream

QUESTION = b'{"query": "Say hello"}'
JSON = {"content-type": "application/json"}


async def test_frames_leave_as_soon_as_their_events_are_there(app: ASGIApp) -> None:
    async with open_stream(
        app, "POST", "/v1/streaming_query", body=QUESTION, headers=JSON
    ) as stream:
        assert (await stream.next_part() or b"").startswith(b'id: 0\ndata: {"event": "start"')
        assert await stream.next_part() == (
            b'id: 1\ndata: {"event": "token", "data": {"id": 0, "token": "Hello"}}\n\n'
        )
        assert await stream.next_part() == (
            b'id: 2\ndata: {"event": "token", "data": {"id": 1, "token": " there"}}\n\n'
        )
        assert b'"turn_complete"' in (await stream.next_part() or b"")
        assert await stream.next_part() is None
