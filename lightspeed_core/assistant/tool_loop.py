"""Model and tools in turn until the model answers; the only place where a model is called."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.token_estimate import estimate_usage
from lightspeed_core.assistant.toolbox import Toolbox, ToolOutput
from lightspeed_core.domain.events import (
    DocumentsRetrieved,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    Warned,
)
from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolResult, ToolSpec
from lightspeed_core.engine.types import ChatDelta, ChatRequest


class Chat(Protocol):
    """What calls models; `Engine.chat` says what it promises."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, always streamed."""
        ...


async def run_model(
    engine: Chat,
    *,
    model: str,
    messages: Sequence[Message],
    toolbox: Toolbox,
    max_rounds: int,
    max_calls: int,
) -> AsyncGenerator[TurnEvent | ModelEvent]:
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
        calls = _labelled(calls[: max_calls - called], tools)
        called += len(calls)
        for call in calls:
            yield ToolCallStarted(call)
        outputs = await together(_call_tool(toolbox, call) for call in calls)
        for call, output in zip(calls, outputs, strict=True):
            for told in _describe(call, output, round_number):
                yield told
        prompt = (*prompt, *_exchange("".join(text), calls, outputs))


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


def _labelled(calls: Sequence[ToolCall], tools: Sequence[ToolSpec]) -> tuple[ToolCall, ...]:
    """Say of each call what kind it is and which server runs it, which models do not know."""
    known = {tool.name: tool for tool in tools}
    return tuple(
        replace(call, type=known[call.name].type, server=known[call.name].server)
        if call.name in known
        else call
        for call in calls
    )


async def _call_tool(toolbox: Toolbox, call: ToolCall) -> ToolOutput:
    if UNPARSED_ARGUMENTS in call.arguments:
        return ToolOutput(
            content="The arguments are not a JSON object; the tool was not called.",
            status="failure",
        )
    return await toolbox.call(call)


def _describe(call: ToolCall, output: ToolOutput, round_number: int) -> Iterator[TurnEvent]:
    yield ToolCallFinished(
        ToolResult(
            call_id=call.id,
            name=call.name,
            status=output.status,
            content=output.content,
            type=call.type,
            round=round_number,
        )
    )
    if output.chunks:
        yield DocumentsRetrieved(output.chunks)
    for warning in output.warnings:
        yield Warned(warning)


def _exchange(
    text: str, calls: tuple[ToolCall, ...], outputs: Sequence[ToolOutput]
) -> tuple[Message, ...]:
    asked = Message(role=Role.ASSISTANT, content=text, tool_calls=calls)
    answered = (
        Message(role=Role.TOOL, content=output.content, tool_call_id=call.id)
        for call, output in zip(calls, outputs, strict=True)
    )
    return (asked, *answered)
