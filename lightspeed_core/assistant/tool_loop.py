"""Model and tools in turn until the model answers.

It knows no quota and no wire: what a further round may cost is asked for, what happens is told.
Where a person must allow a call it stops, and leaves all that is needed to go on.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from lightspeed_core.assistant.model_call import Chat, call_model
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.tool_fence import fence_results
from lightspeed_core.assistant.toolbox import Toolbox, ToolOutput, missing_tool
from lightspeed_core.domain.approvals import Approval, ApprovalState, Checkpoint
from lightspeed_core.domain.events import (
    AnswerPaused,
    ApprovalAnswered,
    DocumentsRetrieved,
    ModelEvent,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnIncomplete,
    Warned,
)
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.tools import UNPARSED_ARGUMENTS, ToolCall, ToolResult, ToolSpec
from lightspeed_core.domain.turn import IncompleteReason, TurnWarning
from lightspeed_core.engine.types import ChatRequest
from lightspeed_core.errors import PromptTooLong, QuotaExceeded

type Reserve = Callable[[Sequence[Message]], Awaitable[None]]
type Ask = Callable[[ToolCall, str | None, str], Approval]
"""Words the question whether a server's tool of that digest may be called."""

_CUT_FROM: Final = 1000
_CUT: Final = "\n[The rest of this result was left out: it was too long.]"
_EXPIRED: Final = "Nobody allowed this call in time; it was not made."
_DENIED: Final = "The user did not allow this call; it was not made."
_WHY: Final = {
    IncompleteReason.MAX_INFER_ITERS: "the model may not be called more often for one answer",
    IncompleteReason.MAX_TOOL_CALLS: "no more tools may be called for one answer",
    IncompleteReason.PROMPT_TOO_LONG: "what the tools answered is too long for the model",
    IncompleteReason.QUOTA: "the quota is used up",
}


async def _reserve_nothing(_: Sequence[Message]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """How far one turn may go: model calls in all, and tool calls.

    `reserve` is asked before each model call but the first with the messages that it reads; it
    raises `QuotaExceeded` where there is nothing left for it. `ask` words the question whether a
    tool may be called; without it tools that need an approval are not offered.
    """

    max_rounds: int
    max_calls: int
    reserve: Reserve = _reserve_nothing
    ask: Ask | None = None


@dataclass(slots=True)
class _Said:
    """What one model call said."""

    text: list[str] = field(default_factory=list[str])
    calls: tuple[ToolCall, ...] = ()


@dataclass(slots=True)
class _Open:
    """The tool calls of one round, with the contents of the results that are there."""

    text: str
    calls: tuple[ToolCall, ...]
    outputs: dict[str, str] = field(default_factory=dict[str, str])


class ToolLoop:
    """The model calls of one turn, with the tools between them.

    What a model says and does is yielded, until it answers without calling a tool. Where the limits
    allow no more, it is asked once more without tools, so that it answers with what it has; where
    not even that is possible, the answer ends. Both are told by `TurnIncomplete`. Where a call must
    be allowed, `AnswerPaused` is the last event.
    """

    def __init__(self, engine: Chat, toolbox: Toolbox, *, model: str, limits: LoopLimits) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._model = model
        self._limits = limits
        self._prompt: tuple[Message, ...] = ()
        self._round = 0
        self._called = 0
        self._has_spoken = False
        self._is_paused = False

    def run(self, messages: Sequence[Message]) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Begin; what refuses the first call is raised."""
        self._prompt = tuple(messages)
        return self._to_the_end(self._rounds())

    def go_on(
        self, checkpoint: Checkpoint, approvals: Sequence[Approval]
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Go on where the loop had stopped, with what its user has answered to its questions.

        A tool that is not the one any more that was allowed is asked for again, and so is one
        whose server asks for other credentials than came with the answer.
        """
        self._prompt = checkpoint.messages
        self._round, self._called = checkpoint.round, checkpoint.called
        self._has_spoken = checkpoint.has_spoken
        at = _Open(checkpoint.text, checkpoint.calls, dict(checkpoint.outputs))
        return self._to_the_end(self._resumed(at, approvals))

    async def _to_the_end(
        self, rounds: AsyncGenerator[TurnEvent | ModelEvent]
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        try:
            async with aclosing(rounds) as events:
                async for event in events:
                    yield event
        except _ExhaustedError as end:
            for event in _tell_incomplete(end.reason):
                yield event
            if not self._has_spoken:
                yield TextDelta((f"*There is no answer: {_WHY[end.reason]}.*",))

    async def _resumed(
        self, at: _Open, answers: Sequence[Approval]
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        for approval in answers:
            yield ApprovalAnswered(approval)
        by_call = {approval.call_id: approval for approval in answers}
        async with aclosing(self._finish_round(at, self._specs(), by_call)) as events:
            async for event in events:
                yield event
        if self._is_paused:
            return
        async with aclosing(self._rounds()) as events:
            async for event in events:
                yield event

    async def _rounds(self) -> AsyncGenerator[TurnEvent | ModelEvent]:
        while True:
            self._round += 1
            limit = self._limit()
            if self._round > 1:
                await self._reserve()
                if limit is not None:
                    for event in _tell_incomplete(limit):
                        yield event
            tools = self._specs() if limit is None else ()
            said = _Said()
            async with aclosing(self._ask(tools, said)) as events:
                async for event in events:
                    yield event
            if not said.calls or limit is not None:
                return
            async with aclosing(self._use_tools(said, tools)) as events:
                async for event in events:
                    yield event
            if self._is_paused:
                return

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

    def _specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools that are offered."""
        specs = self._toolbox.specs()
        if self._limits.ask is not None:
            return specs
        return tuple(spec for spec in specs if not spec.needs_approval)

    async def _use_tools(
        self, said: _Said, tools: tuple[ToolSpec, ...]
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        offered = {tool.name: tool for tool in tools}
        calls = self._labelled(said.calls[: self._limits.max_calls - self._called], offered)
        self._called += len(calls)
        for call in calls:
            yield ToolCallStarted(call)
        at = _Open("".join(said.text), calls)
        async with aclosing(self._finish_round(at, tools, {})) as events:
            async for event in events:
                yield event

    async def _finish_round(
        self, at: _Open, tools: tuple[ToolSpec, ...], answers: Mapping[str, Approval]
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Run the calls that may run, and ask for the others; with all results the round ends."""
        offered = {tool.name: tool for tool in tools}
        due = [call for call in at.calls if call.id not in at.outputs]
        asked = self._ask_for(due, offered, answers)
        running = [call for call in due if call.id not in asked]
        outputs = await together(
            self._settle(call, offered, answers.get(call.id)) for call in running
        )
        for call, output in zip(running, outputs, strict=True):
            if again := self._again(output, answers.get(call.id), call):
                asked[call.id] = again
                for warning in output.warnings:
                    yield Warned(warning)
                continue
            at.outputs[call.id] = output.content
            for told in _describe(call, output, self._round):
                yield told
        if asked:
            self._is_paused = True
            yield AnswerPaused(self._checkpoint(at, asked), tuple(asked.values()))
        else:
            self._prompt = (*self._prompt, *_exchange(at))

    def _ask_for(
        self,
        calls: Sequence[ToolCall],
        offered: Mapping[str, ToolSpec],
        answers: Mapping[str, Approval],
    ) -> dict[str, Approval]:
        """Word the questions for calls that must be allowed and are not, by the id of the call."""
        ask = self._limits.ask
        if ask is None:
            return {}
        return {
            call.id: ask(call, spec.server, spec.digest)
            for call in calls
            if (spec := offered.get(call.name)) is not None
            and spec.needs_approval
            and UNPARSED_ARGUMENTS not in call.arguments
            and not _is_answered(answers.get(call.id), spec)
        }

    def _again(
        self, output: ToolOutput, answer: Approval | None, call: ToolCall
    ) -> Approval | None:
        """Word the question anew where the user's leave was of no use."""
        if answer is None or self._limits.ask is None or not output.is_locked:
            return None
        return self._limits.ask(call, answer.server, answer.digest)

    def _checkpoint(self, at: _Open, asked: Mapping[str, Approval]) -> Checkpoint:
        return Checkpoint(
            round=self._round,
            called=self._called,
            messages=self._prompt,
            text=at.text,
            calls=at.calls,
            outputs=at.outputs,
            asked=frozenset(approval.approval_id for approval in asked.values()),
            has_spoken=self._has_spoken,
        )

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

    async def _settle(
        self, call: ToolCall, offered: Mapping[str, ToolSpec], answer: Approval | None
    ) -> ToolOutput:
        """Run a tool unless that was denied; what was not offered is not run, whoever asks."""
        if answer is not None and answer.state is not ApprovalState.APPROVED:
            return _denied(answer)
        if call.name not in offered:
            return missing_tool(call, self._toolbox.warnings())
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


def _is_answered(answer: Approval | None, spec: ToolSpec) -> bool:
    """Say whether the user has spoken, and of this very tool."""
    if answer is None:
        return False
    return answer.state is not ApprovalState.APPROVED or answer.digest == spec.digest


def _denied(answer: Approval) -> ToolOutput:
    content = _EXPIRED if answer.state is ApprovalState.EXPIRED else _DENIED
    if answer.reason:
        content += f" The user says: {answer.reason}"
    return ToolOutput(content=content, status="denied")


def _exchange(at: _Open) -> tuple[Message, ...]:
    asked = Message(role=Role.ASSISTANT, content=at.text, tool_calls=at.calls)
    answered = (
        Message(role=Role.TOOL, content=at.outputs[call.id], tool_call_id=call.id)
        for call in at.calls
    )
    return (asked, *answered)
