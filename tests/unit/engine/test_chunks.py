"""The standard stream read as the lean one."""

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from lightspeed_core.engine.llama_stack.chunks import lean_deltas
from lightspeed_stack_providers.failures import UpstreamCut
from lightspeed_stack_providers.lean import LeanDelta


def chunk(
    content: str | None = None,
    *,
    calls: list[Any] | None = None,
    finish: str | None = None,
    usage: tuple[int, int] | None = None,
) -> Any:
    delta = SimpleNamespace(content=content, tool_calls=calls)
    choices = [SimpleNamespace(delta=delta, finish_reason=finish)]
    counted = usage and SimpleNamespace(prompt_tokens=usage[0], completion_tokens=usage[1])
    return SimpleNamespace(choices=[] if usage else choices, usage=counted)


def fragment(
    index: int | None, arguments: str, *, given_id: str | None = None, name: str | None = None
) -> Any:
    return SimpleNamespace(
        index=index, id=given_id, function=SimpleNamespace(name=name, arguments=arguments)
    )


async def streamed(*chunks: Any) -> AsyncGenerator[Any]:
    for each in chunks:
        yield each


async def test_usage_that_follows_the_finish_reason_comes_with_the_last_delta():
    deltas = [
        delta
        async for delta in lean_deltas(
            streamed(chunk("a"), chunk(""), chunk("b"), chunk(finish="stop"), chunk(usage=(3, 2)))
        )
    ]
    assert deltas == [
        LeanDelta(),
        LeanDelta(tokens=("a",)),
        LeanDelta(tokens=("b",)),
        LeanDelta(finish_reason="stop", usage=(3, 2)),
    ]


async def test_fragments_of_parallel_calls_become_whole_calls():
    deltas = [
        delta
        async for delta in lean_deltas(
            streamed(
                chunk(calls=[fragment(0, '{"a"', given_id="x", name="one")]),
                chunk(calls=[fragment(1, "{}", name="two")]),
                chunk(calls=[fragment(0, ": 1}")]),
                chunk(finish="tool_calls"),
            )
        )
    ]
    one, two = deltas[-1].tool_calls
    assert (one.id, one.name, one.arguments) == ("x", "one", '{"a": 1}')
    assert (two.id, two.name, two.arguments) == ("call_1", "two", "{}")


async def test_a_stream_without_a_finish_reason_was_cut():
    with pytest.raises(UpstreamCut):
        _ = [delta async for delta in lean_deltas(streamed(chunk("a")))]
