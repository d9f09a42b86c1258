"""The pipeline of one turn, top to bottom; no stage knows its neighbours.

Nothing here knows a wire format: `/v1/query` folds these events, the streaming routes render
them.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from lightspeed_core.assistant.citations import verify_citations
from lightspeed_core.assistant.compaction import Compactor, Earlier, recall
from lightspeed_core.assistant.context import (
    AssistantSettings,
    CompactionSettings,
    TurnContext,
)
from lightspeed_core.assistant.freshness import Freshness
from lightspeed_core.assistant.measure import MeasuredChat
from lightspeed_core.assistant.pausing import asker, with_stores
from lightspeed_core.assistant.prompts import build_messages
from lightspeed_core.assistant.retrieval import Reranker, Retrieved, retrieve, wait_for_text
from lightspeed_core.assistant.screening import Screening, screen_turn, screened_before
from lightspeed_core.assistant.shields.answer import guard_answer
from lightspeed_core.assistant.shields.placeholders import keep_whole
from lightspeed_core.assistant.spending import bound_of_call
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.tool_loop import LoopLimits, ToolLoop
from lightspeed_core.assistant.toolbox import EmptyToolbox, Toolbox, ToolSource
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.events import (
    ConversationCompacted,
    DocumentsRetrieved,
    ModelAccepted,
    ModelEvent,
    Refused,
    TurnEvent,
    TurnStarted,
    Warned,
)
from lightspeed_core.domain.messages import Message
from lightspeed_core.domain.turn import Turn, TurnWarning
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import Conflict, PromptTooLong
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.quota.account import Account

_PASSAGES_LEFT_OUT: Final = TurnWarning(
    code="passages_left_out",
    message="Passages of documents were left out: the question with them was too long.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnParts:
    """What the stages of a turn work with; `text_stored` once there is something to find.

    Without a `reranker` chunks keep the scores of their stores.
    """

    engine: Engine
    store: ConversationStore
    tools: ToolSource
    metrics: Metrics
    settings: AssistantSettings
    text_stored: asyncio.Event
    reranker: Reranker | None = None
    freshness: Freshness = field(default_factory=Freshness)


async def run_turn(
    context: TurnContext, parts: TurnParts
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Yield the events of a turn but for its terminal one, which is its supervisor's.

    Raises a `LightspeedError` where the turn cannot go on; until `TurnStarted` was yielded, that
    is a refusal.
    """
    model = MeasuredChat(parts.engine, parts.metrics, context)
    begun = context.begun
    started = TurnStarted(begun.conversation_id, begun.turn_id, begun.model)
    with model.turn():
        if context.continuation is not None:
            context = await with_stores(context, parts.engine, parts.settings.sources)
            screening = await screened_before(context, parts.engine, parts.settings, parts.metrics)
        else:
            if not context.is_new:
                await _wait_for_predecessors(begun, parts)
            screening = await screen_turn(context, parts.engine, parts.settings, parts.metrics)
        if screening.rewritten is not None:
            yield screening.rewritten
        told = screening.told
        async with aclosing(_answer(screening, parts, model)) as answer:
            async for event in answer:
                if isinstance(event, ModelAccepted | ConversationCompacted | Refused) and started:
                    yield started
                    started = None
                    for each in told:
                        parts.metrics.warned(each.warning.code)
                        yield each
                if isinstance(event, Warned):
                    parts.metrics.warned(event.warning.code)
                model.note(event)
                yield event


async def _answer(
    screening: Screening, parts: TurnParts, model: MeasuredChat
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Find what the answer needs, then ask; tools are let go of at the end."""
    if screening.refusal is not None:
        yield screening.refusal
        return
    context = screening.context
    toolbox, found = await _open(context, parts)
    async with aclosing(screening.toolbox(toolbox)) as toolbox:
        if context.continuation is not None:
            for warning in toolbox.warnings():
                if warning not in context.begun.warnings:
                    yield Warned(warning)
            loop = _loop(context, parts, model, toolbox)
            answer = loop.go_on(context.continuation.checkpoint, context.continuation.approvals)
            answer = _checked(answer, screening, parts.freshness, offers_tools=True)
            async with aclosing(answer) as events:
                async for event in events:
                    yield event
            return
        found = replace(found, warnings=(*toolbox.warnings(), *found.warnings))
        async with aclosing(_Answer(screening, parts, model, found, toolbox).events()) as events:
            async for event in events:
                yield event


async def _open(context: TurnContext, parts: TurnParts) -> tuple[Toolbox, Retrieved]:
    """Open the tools and search the stores at the same time; no tool stays open for a failure."""
    if context.request.no_tools:
        return EmptyToolbox(), await _retrieve(context, parts)
    if not context.stores:
        return await parts.tools.open(context), Retrieved()
    opened: list[Toolbox] = []

    async def open_tools() -> Retrieved:
        opened.append(await parts.tools.open(context))
        return Retrieved()

    try:
        _, found = await together((open_tools(), _retrieve(context, parts)))
    except BaseException:
        for toolbox in opened:
            await toolbox.aclose()
        raise
    return opened[0], found


def _loop(
    context: TurnContext, parts: TurnParts, model: MeasuredChat, toolbox: Toolbox
) -> ToolLoop:
    settings = parts.settings
    ask = asker(context.begun, settings.approval_seconds) if context.may_wait else None
    return ToolLoop(
        model,
        toolbox,
        model=context.begun.model.identifier,
        limits=LoopLimits(
            max_rounds=settings.max_infer_iters,
            max_calls=settings.max_tool_calls,
            reserve=partial(_reserve_more, context.account, settings.answer_tokens),
            ask=ask,
        ),
    )


async def _reserve_more(account: Account, answer_tokens: int, messages: Sequence[Message]) -> None:
    """Charge what was used so far, and reserve what one more call may use."""
    if account.is_counted:
        await account.settle()
        await account.reserve(bound_of_call(messages, answer_tokens))


async def _retrieve(context: TurnContext, parts: TurnParts) -> Retrieved:
    if not context.stores:
        return Retrieved()
    await wait_for_text(parts.text_stored)
    with parts.metrics.turns.retrieval():
        return await retrieve(
            parts.engine,
            context.request.search_text or context.begun.question,
            context.stores,
            max_chunks=parts.settings.max_chunks,
            byok_chunks=parts.settings.sources.byok_chunks,
            reranker=parts.reranker,
        )


async def _wait_for_predecessors(turn: Turn, parts: TurnParts) -> None:
    try:
        async with asyncio.timeout(parts.settings.turn_wait):
            await parts.store.wait_for_predecessors(turn)
    except TimeoutError:
        raise Conflict(
            "Conversation is busy",
            f"Earlier turns of conversation {turn.conversation_id} did not end within "
            f"{parts.settings.turn_wait:g} seconds.",
        ) from None


class _Answer:
    """What the model says, told as much of the conversation as fits."""

    def __init__(
        self,
        screening: Screening,
        parts: TurnParts,
        model: MeasuredChat,
        found: Retrieved,
        toolbox: Toolbox,
    ) -> None:
        self._screening = screening
        self._context = screening.context
        self._parts = parts
        self._model = model
        self._found = found
        self._toolbox = toolbox
        self._earlier = Earlier()
        self._is_compacted = False
        self._is_accepted = False

    async def events(self) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Ask until the model accepts; what came before is summarised, or left out at need."""
        settings = self._parts.settings.compaction
        # The user is shown what the documents say, whatever of it the model reads.
        read, warnings = await self._screening.chunks(self._found.chunks)
        self._context.passages.add(self._found.chunks, read)
        self._found = replace(self._found, warnings=(*self._found.warnings, *warnings))
        self._earlier = await recall(self._context, self._parts.store, settings)
        await self._reserve(calls=2 if settings is not None and self._earlier.turns else 1)
        if settings is not None:
            async with aclosing(self._compact(settings)) as events:
                async for event in events:
                    yield event
        while True:
            try:
                async with aclosing(self._attempt()) as events:
                    async for event in events:
                        yield event
            except PromptTooLong:
                if self._is_accepted or not (self._earlier or self._found.chunks):
                    raise
                for event in self._shorten():
                    yield event
            else:
                return

    async def _reserve(self, *, calls: int) -> None:
        """Reserve what the answer may use, and a summary before it."""
        account = self._context.account
        if account.is_counted:
            tokens = bound_of_call(self._messages(), self._parts.settings.answer_tokens)
            await account.reserve(calls * tokens)

    async def _attempt(self) -> AsyncGenerator[TurnEvent | ModelEvent]:
        """Ask, and tell what was found once the model takes it."""
        async with aclosing(self._ask()) as events:
            async for event in events:
                yield event
                if isinstance(event, ModelAccepted) and not self._is_accepted:
                    self._is_accepted = True
                    for each in _describe(self._found):
                        yield each

    async def _compact(
        self, settings: CompactionSettings
    ) -> AsyncGenerator[TurnEvent | ModelEvent]:
        compactor = Compactor(
            self._context,
            settings,
            engine=self._parts.engine,
            chat=self._model,
            store=self._parts.store,
        )
        if not await compactor.is_due(self._earlier, self._messages()):
            return
        self._is_compacted = True
        yield ConversationCompacted(self._context.begun.conversation_id)
        self._earlier, cost = await compactor.compact(self._earlier)
        yield cost

    def _shorten(self) -> Iterator[TurnEvent]:
        """Leave out the older half of what came before, the passages when nothing is left."""
        if not self._earlier:
            warnings = (*self._found.warnings, _PASSAGES_LEFT_OUT)
            self._found = Retrieved(warnings=warnings)
            self._context.passages.clear()
            return
        self._earlier = self._earlier.shortened()
        if not self._is_compacted:
            self._is_compacted = True
            yield ConversationCompacted(self._context.begun.conversation_id)

    def _messages(self) -> tuple[Message, ...]:
        return build_messages(
            self._context.system_prompt,
            self._earlier.turns,
            self._context.begun,
            self._context.passages,
            summary=self._earlier.text,
            searches=bool(self._context.tool_stores),
        )

    def _ask(self) -> AsyncGenerator[TurnEvent | ModelEvent]:
        loop = _loop(self._context, self._parts, self._model, self._toolbox)
        answer = loop.run(self._messages())
        return _checked(
            answer,
            self._screening,
            self._parts.freshness,
            offers_tools=bool(self._toolbox.specs()),
        )


def _describe(found: Retrieved) -> Iterator[TurnEvent]:
    if found.chunks:
        yield DocumentsRetrieved(found.chunks)
    for warning in found.warnings:
        yield Warned(warning)


def _checked(
    events: AsyncGenerator[TurnEvent | ModelEvent],
    screening: Screening,
    freshness: Freshness,
    *,
    offers_tools: bool,
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Add the stages that this turn needs; the others are absent and cost nothing.

    Results of tools may suggest markers, which are dropped. Shields come behind the citations: what
    a dropped marker stood between is then one word.
    """
    context = screening.context
    if context.passages or context.tool_stores or offers_tools:
        # Without chunks to point to, no marker holds and each is dropped.
        passages = context.passages if context.request.cites else ()
        events = verify_citations(events, passages, freshness)
    events = guard_answer(events, context.shields, screening.checks)
    if screening.restore:
        events = keep_whole(events, screening.restore)
    return events
