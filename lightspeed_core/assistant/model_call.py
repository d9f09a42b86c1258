"""One call of a model, told as events; the only place where a model is called."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from lightspeed_core.assistant.token_estimate import estimate_usage
from lightspeed_core.domain.events import (
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    ToolCallStarted,
)
from lightspeed_core.engine.types import ChatDelta, ChatRequest

if TYPE_CHECKING:
    from lightspeed_core.domain.messages import TokenUsage
    from lightspeed_core.domain.tools import ToolCall


class Chat(Protocol):
    """What calls models; `Engine.chat` says what it promises."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, always streamed."""
        ...


async def call_model(engine: Chat, request: ChatRequest) -> AsyncGenerator[ModelEvent]:
    """Call a model once and tell what it says; its tool calls are told and not run."""
    usage: TokenUsage | None = None
    stop_reason = "stop"
    written: list[str] = []
    calls: tuple[ToolCall, ...] = ()
    accepted = False
    async with aclosing(engine.chat(request)) as deltas:
        async for delta in deltas:
            if not accepted:
                accepted = True
                yield ModelAccepted()
            if delta.tokens:
                written.extend(delta.tokens)
                yield TextDelta(_writable(delta.tokens))
            calls += delta.tool_calls
            for call in delta.tool_calls:
                yield ToolCallStarted(call)
            usage = delta.usage or usage
            stop_reason = delta.finish_reason or stop_reason
    yield ModelFinished(usage or estimate_usage(request, written, calls), stop_reason)


def _writable(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Replace the lone surrogates that a model's JSON may escape, for no file can hold them."""
    try:
        "".join(tokens).encode()
    except UnicodeEncodeError:
        return tuple(token.encode(errors="replace").decode() for token in tokens)
    return tokens
