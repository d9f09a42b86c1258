"""Read a stream of server-sent events as clients do: blank lines part frames, `data:` is JSON."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WireEvent:
    """One event with its SSE id."""

    id: int
    event: str
    data: dict[str, Any]
    whole: dict[str, Any]


def parse_frame(frame: str) -> WireEvent | None:
    """Parse one frame; None for a comment."""
    lines = [line for line in frame.split("\n") if line and not line.startswith(":")]
    if not lines:
        return None
    number = next(int(line.removeprefix("id:")) for line in lines if line.startswith("id:"))
    (text,) = [line.removeprefix("data:") for line in lines if line.startswith("data:")]
    whole = json.loads(text)
    return WireEvent(id=number, event=whole["event"], data=whole["data"], whole=whole)


def parse_stream(body: str) -> list[WireEvent]:
    """Parse a whole body."""
    return [event for frame in body.split("\n\n") if (event := parse_frame(frame))]


def read_frames(pieces: Iterable[str]) -> Iterator[WireEvent]:
    """Yield events as pieces of the body arrive."""
    rest = ""
    for piece in pieces:
        *frames, rest = (rest + piece).split("\n\n")
        for frame in frames:
            if event := parse_frame(frame):
                yield event


async def read_frames_async(pieces: AsyncIterator[str]) -> AsyncIterator[WireEvent]:
    """Yield events as pieces of the body arrive."""
    rest = ""
    async for piece in pieces:
        *frames, rest = (rest + piece).split("\n\n")
        for frame in frames:
            if event := parse_frame(frame):
                yield event


def text_of(events: Iterable[WireEvent]) -> str:
    """Join the tokens."""
    return "".join(event.data["token"] for event in events if event.event == "token")
