"""Model and tools in turn until the model answers; the only place where a model is called."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.token_estimate import estimate_usage
from lightspeed_core.domain.events import (
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
)
from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolResult, ToolSpec
from lightspeed_core.engine.types import ChatDelta, ChatRequest


class Toolbox(Protocol):
    """The tools of one turn."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return what is offered to the model."""
        ...

    async def call(self, call: ToolCall) -> ToolResult:
        """Run a tool. A failure of the tool is a result with status `failure`."""
        ...


class Chat(Protocol):
    """What calls models; `Engine.chat` says what it promises."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, always streamed."""
        ...


class NoTools:
    """The toolbox of a turn without tools."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """Offer nothing."""
        return ()

    async def call(self, call: ToolCall) -> ToolResult:
        """Tell the model that it called what it was not offered."""
        return ToolResult(
            call_id=call.id,
            name=call.name,
            status="failure",
            content=f"There is no tool named {call.name}.",
            type=call.type,
        )


async def run_model(
    engine: Chat,
    *,
    model: str,
    messages: Sequence[Message],
    toolbox: Toolbox,
    max_rounds: int,
    max_calls: int,
) -> AsyncGenerator[ModelEvent]:
    """Yield what the model says and does, until it answers without calling a tool.

    After `max_rounds` model calls, or once more than `max_calls` tools would have been called,
    the model is asked once more without tools, so that it answers with what it has.
    """
    prompt = tuple(messages)
    called = 0
    for round_number in range(1, max_rounds + 1):
        calls: tuple[ToolCall, ...] = ()
        text: list[str] = []
        tools = toolbox.specs() if round_number < max_rounds and called < max_calls else ()
        request = ChatRequest(model=model, messages=prompt, tools=tools)
        async with aclosing(_call_model(engine, request)) as events:
            async for event in events:
                if isinstance(event, ToolCallStarted):
                    calls += (event.call,)
                    continue
                if isinstance(event, TextDelta):
                    text.extend(event.tokens)
                yield event
        if not calls or round_number == max_rounds:
            return
        calls = calls[: max_calls - called]
        called += len(calls)
        for call in calls:
            yield ToolCallStarted(call)
        results = await _call_tools(toolbox, calls, round_number)
        for result in results:
            yield ToolCallFinished(result)
        prompt = (*prompt, *_exchange("".join(text), calls, results))


async def _call_model(engine: Chat, request: ChatRequest) -> AsyncGenerator[ModelEvent]:
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


async def _call_tools(
    toolbox: Toolbox, calls: Sequence[ToolCall], round_number: int
) -> list[ToolResult]:
    results = await together(_call_tool(toolbox, call) for call in calls)
    return [replace(result, round=round_number) for result in results]


async def _call_tool(toolbox: Toolbox, call: ToolCall) -> ToolResult:
    if UNPARSED_ARGUMENTS in call.arguments:
        return ToolResult(
            call_id=call.id,
            name=call.name,
            status="failure",
            content="The arguments are not a JSON object; the tool was not called.",
            type=call.type,
        )
    return await toolbox.call(call)


def _exchange(
    text: str, calls: tuple[ToolCall, ...], results: Sequence[ToolResult]
) -> tuple[Message, ...]:
    asked = Message(role=Role.ASSISTANT, content=text, tool_calls=calls)
    answered = (
        Message(role=Role.TOOL, content=result.content, tool_call_id=result.call_id)
        for result in results
    )
    return (asked, *answered)
