"""The pipeline of one turn, top to bottom; no stage knows its neighbours.

Nothing here knows a wire format: `/v1/query` folds these events, the streaming routes render
them.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from lightspeed_core.assistant.citations import verify_citations
from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.measure import MeasuredChat
from lightspeed_core.assistant.plain_text import DISGUISED, SANITIZER, is_disguised
from lightspeed_core.assistant.prompts import build_messages
from lightspeed_core.assistant.retrieval import Retrieved, retrieve
from lightspeed_core.assistant.shields import (
    check_question,
    guard_answer,
    input_shields,
    output_shields,
)
from lightspeed_core.assistant.tool_loop import Toolbox, run_model
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
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import Conflict, PromptTooLong
from lightspeed_core.observability.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnParts:
    """What the stages of a turn work with."""

    engine: Engine
    store: ConversationStore
    toolbox: Toolbox
    metrics: Metrics
    settings: AssistantSettings


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
        if not context.is_new:
            await _wait_for_predecessors(begun, parts)
        if refusal := await _find_refusal(context, parts.engine):
            model.note(refusal)
            yield started
            yield refusal
            return
        found = await _retrieve(context, parts)
        async with aclosing(_answer(context, parts, model, found.chunks)) as answer:
            async for event in answer:
                if isinstance(event, ModelAccepted | ConversationCompacted) and started:
                    yield started
                    started = None
                    if found.chunks:
                        yield DocumentsRetrieved(found.chunks)
                    for warning in found.warnings:
                        parts.metrics.warned(warning.code)
                        yield Warned(warning)
                model.note(event)
                yield event


async def _retrieve(context: TurnContext, parts: TurnParts) -> Retrieved:
    if not context.store_ids:
        return Retrieved()
    with parts.metrics.turns.retrieval():
        return await retrieve(
            parts.engine,
            context.request.search_text or context.begun.question,
            context.store_ids,
            max_chunks=parts.settings.max_chunks,
        )


async def _find_refusal(context: TurnContext, engine: Engine) -> Refused | None:
    question = context.begun.question
    if context.request.plain_text_only and is_disguised(question):
        return Refused(SANITIZER, DISGUISED)
    guards = input_shields(context.shield_ids)
    return await check_question(engine, guards, question) if guards else None


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


async def _answer(
    context: TurnContext, parts: TurnParts, model: MeasuredChat, chunks: tuple[RagChunk, ...]
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Ask the model, leaving out the older half of the history while the prompt is too long."""
    begun = context.begun
    history = [] if context.is_new else await parts.store.history(begun.conversation_id)
    compacted = False
    while True:
        answer = run_model(
            model,
            model=begun.model.identifier,
            messages=build_messages(context.system_prompt, history, begun, chunks),
            toolbox=parts.toolbox,
            max_rounds=parts.settings.max_infer_iters,
            max_calls=parts.settings.max_tool_calls,
        )
        accepted = False
        try:
            async with aclosing(_checked(answer, context, parts, chunks)) as events:
                async for event in events:
                    accepted = accepted or isinstance(event, ModelAccepted)
                    yield event
        except PromptTooLong:
            if accepted or not history:
                raise
            history = history[-(len(history) // 2) :] if len(history) > 1 else []
            if not compacted:
                yield ConversationCompacted(begun.conversation_id)
            compacted = True
        else:
            return


def _checked(
    events: AsyncGenerator[TurnEvent | ModelEvent],
    context: TurnContext,
    parts: TurnParts,
    chunks: tuple[RagChunk, ...],
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Add the stages that this turn needs; the others are absent and cost nothing."""
    if chunks:
        # Without chunks to point to, no marker holds and each is dropped.
        events = verify_citations(events, chunks if context.request.cites else ())
    if guards := output_shields(context.shield_ids):
        events = guard_answer(
            events,
            engine=parts.engine,
            shield_ids=guards,
            question=context.begun.question,
        )
    return events
