"""The standard stream of an inference provider, read as the lean one."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from lightspeed_stack_providers.failures import UpstreamCut
from lightspeed_stack_providers.lean import LeanDelta, LeanToolCall


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])

    def whole(self, index: int) -> LeanToolCall:
        return LeanToolCall(
            id=self.id or f"call_{index}", name=self.name, arguments="".join(self.arguments)
        )


@dataclass
class _End:
    """What comes with the last delta."""

    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    finish_reason: str | None = None
    usage: tuple[int, int] | None = None

    def delta(self) -> LeanDelta:
        calls = tuple(call.whole(index) for index, call in sorted(self.calls.items()))
        return LeanDelta(tool_calls=calls, finish_reason=self.finish_reason, usage=self.usage)


async def lean_deltas(chunks: AsyncIterator[Any]) -> AsyncGenerator[LeanDelta]:
    """Read `OpenAIChatCompletionChunk`s. Raises `UpstreamCut` when no finish reason came."""
    yield LeanDelta()
    end = _End()
    async for chunk in chunks:
        if chunk.usage is not None:
            end.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices[:1]:
            end.finish_reason = choice.finish_reason or end.finish_reason
            _gather(end, choice.delta.tool_calls or ())
            if choice.delta.content:
                yield LeanDelta(tokens=(choice.delta.content,))
    if end.finish_reason is None:
        raise UpstreamCut("the answer ended without a finish reason")
    yield end.delta()


def _gather(end: _End, fragments: Any) -> None:
    for position, fragment in enumerate(fragments):
        index = position if fragment.index is None else fragment.index
        call = end.calls.setdefault(index, _Call())
        call.id = fragment.id or call.id
        if fragment.function is not None:
            call.name = fragment.function.name or call.name
            call.arguments.append(fragment.function.arguments or "")
