"""Model and tools in turn until the model answers; the only place where a model is called.

It knows no quota and no wire: what a further round may cost is asked for, what happens is told.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.token_estimate import estimate_usage
from lightspeed_core.assistant.tool_fence import fence_results
from lightspeed_core.assistant.toolbox import Toolbox, ToolOutput, unknown_tool
from lightspeed_core.domain.events import (
    DocumentsRetrieved,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnIncomplete,
    Warned,
)
from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolResult, ToolSpec
from lightspeed_core.domain.turn import IncompleteReason, TurnWarning
from lightspeed_core.engine.types import ChatDelta, ChatRequest
from lightspeed_core.errors import PromptTooLong, QuotaExceeded

type Reserve = Callable[[Sequence[Message]], Awaitable[None]]

_CUT_FROM: Final = 1000
_CUT: Final = "\n[The rest of this result was left out: it was too long.]"
_WHY: Final = {
    IncompleteReason.MAX_INFER_ITERS: "the model may not be called more often for one answer",
    IncompleteReason.MAX_TOOL_CALLS: "no more tools may be called for one answer",
    IncompleteReason.PROMPT_TOO_LONG: "what the tools answered is too long for the model",
    IncompleteReason.QUOTA: "the quota is used up",
}


class Chat(Protocol):
    """What calls models; `Engine.chat` says what it promises."""

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, always streamed."""
        ...


async def _reserve_nothing(_: Sequence[Message]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """How far one turn may go: model calls in all, and tool calls.

    `reserve` is asked before each model call but the first with the messages that it reads; it
    raises `QuotaExceeded` where there is nothing left for it.
    """

    max_rounds: int
    max_calls: int
    reserve: Reserve = _reserve_nothing


@dataclass(slots=True)
class _Said:
    """What one model call said."""

    text: list[str] = field(default_factory=list[str])
    calls: tuple[ToolCall, ...] = ()


class ToolLoop:
    """The model calls of one turn, with the tools between them."""

    def __init__(self, engine: Chat, toolbox: Toolbox, *, model: str, limits: LoopLimits) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._model = model
        self._limits = limits
        self._prompt: tuple[Message, ...] = ()
        self._round = 0
        self._called = 0
        self._has_spoken = False

    async def run(self, messages: Sequence[Message]) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Yield what the model says and does, until it answers without calling a tool.

        Where the limits allow no more, the model is asked once more without tools, so that it
        answers with what it has; where not even that is possible, the answer ends. Both are told
        by `TurnIncomplete`. What refuses the first call is raised.
        """
        self._prompt = tuple(messages)
        try:
            async with aclosing(self._rounds()) as events:
                async for event in events:
                    yield event
        except _ExhaustedError as end:
            for event in _tell_incomplete(end.reason):
                yield event
            if not self._has_spoken:
                yield TextDelta((f"*There is no answer: {_WHY[end.reason]}.*",))

    async def _rounds(self) -> AsyncGenerator[TurnEvent | ModelEvent]:
        while True:
            self._round += 1
            limit = self._limit()
            if self._round > 1:
                await self._reserve()
                if limit is not None:
                    for event in _tell_incomplete(limit):
                        yield event
            tools = self._toolbox.specs() if limit is None else ()
            said = _Said()
            async with aclosing(self._ask(tools, said)) as events:
                async for event in events:
                    yield event
            if not said.calls or limit is not None:
                return
            async with aclosing(self._use_tools(said, tools)) as events:
                async for event in events:
                    yield event

    def _limit(self) -> IncompleteReason | None:
        """Return why the model gets no tools any more."""
        if self._round >= self._limits.max_rounds:
            return IncompleteReason.MAX_INFER_ITERS
        if self._called >= self._limits.max_calls:
            return IncompleteReason.MAX_TOOL_CALLS
        return None

    async def _reserve(self) -> None:
        try:
            await self._limits.reserve(self._prompt)
        except QuotaExceeded as error:
            raise _ExhaustedError(IncompleteReason.QUOTA) from error

    async def _ask(
        self, tools: tuple[ToolSpec, ...], said: _Said
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Call the model, with shorter results of tools where the prompt is too long with them."""
        while True:
            messages = fence_results(self._prompt)
            request = ChatRequest(model=self._model, messages=messages, tools=tools)
            is_accepted = False
            try:
                async with aclosing(call_model(self._engine, request)) as events:
                    async for event in events:
                        is_accepted = True
                        if isinstance(event, ToolCallStarted):
                            said.calls += (event.call,)
                            continue
                        if isinstance(event, TextDelta):
                            self._has_spoken = True
                            said.text.extend(event.tokens)
                        yield event
            except PromptTooLong as error:
                if is_accepted or self._round == 1:
                    raise
                self._shorten(error)
            else:
                return

    def _shorten(self, error: PromptTooLong) -> None:
        shorter = tuple(_shortened(message) for message in self._prompt)
        if shorter == self._prompt:
            raise _ExhaustedError(IncompleteReason.PROMPT_TOO_LONG) from error
        self._prompt = shorter

    async def _use_tools(
        self, said: _Said, tools: tuple[ToolSpec, ...]
    ) -> AsyncGenerator[TurnEvent]:
        offered = {tool.name: tool for tool in tools}
        calls = self._labelled(said.calls[: self._limits.max_calls - self._called], offered)
        self._called += len(calls)
        for call in calls:
            yield ToolCallStarted(call)
        outputs = await together(self._call_tool(call, offered) for call in calls)
        for call, output in zip(calls, outputs, strict=True):
            for told in _describe(call, output, self._round):
                yield told
        self._prompt = (*self._prompt, *_exchange("".join(said.text), calls, outputs))

    def _labelled(
        self, calls: Sequence[ToolCall], offered: dict[str, ToolSpec]
    ) -> tuple[ToolCall, ...]:
        """Say of each call what kind it is and which server runs it, which models do not know.

        An id that the turn has seen already gets another, for results are told apart by it.
        """
        known = {call.id for message in self._prompt for call in message.tool_calls}
        labelled: list[ToolCall] = []
        for call in calls:
            call_id = call.id
            while call_id in known:
                call_id = f"{call.id}_{len(known)}"
            known.add(call_id)
            spec = offered.get(call.name)
            type_, server = (call.type, call.server) if spec is None else (spec.type, spec.server)
            labelled.append(replace(call, id=call_id, type=type_, server=server))
        return tuple(labelled)

    async def _call_tool(self, call: ToolCall, offered: dict[str, ToolSpec]) -> ToolOutput:
        """Run a tool; what was not offered is not run, whoever asked the model for it."""
        if call.name not in offered:
            return unknown_tool(call)
        if UNPARSED_ARGUMENTS in call.arguments:
            return ToolOutput(
                content="The arguments are not a JSON object; the tool was not called.",
                status="failure",
            )
        return await self._toolbox.call(call)


class _ExhaustedError(Exception):
    def __init__(self, reason: IncompleteReason) -> None:
        super().__init__(reason)
        self.reason = reason


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


def _tell_incomplete(reason: IncompleteReason) -> Iterator[TurnEvent]:
    yield TurnIncomplete(reason)
    yield Warned(
        TurnWarning(code="incomplete", message=f"The answer may be incomplete: {_WHY[reason]}.")
    )


def _shortened(message: Message) -> Message:
    """Return the message; half of it, where it is a long result of a tool."""
    content = message.content.removesuffix(_CUT)
    if message.role is not Role.TOOL or len(content) <= _CUT_FROM:
        return message
    return replace(message, content=content[: len(content) // 2] + _CUT)


def _describe(call: ToolCall, output: ToolOutput, round_number: int) -> Iterator[TurnEvent]:
    yield ToolCallFinished(
        ToolResult(
            call_id=call.id,
            name=call.name,
            status=output.status,
            content=output.content if output.shown is None else output.shown,
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
