"""How a turn is kept while it waits for its user, and how it is made ready again.

No credential is kept: whoever answers brings headers and credentials along.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter

from lightspeed_core.assistant.context import Continuation, TurnContext
from lightspeed_core.assistant.fold import TurnFold
from lightspeed_core.assistant.journal import TurnJournal
from lightspeed_core.assistant.passages import Passages
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.sources import Sources, SourceSettings
from lightspeed_core.assistant.tool_loop import Ask
from lightspeed_core.conversations.approvals import Pause, PausedTurn
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.approvals import Approval, Checkpoint
from lightspeed_core.domain.events import AnswerPaused, ApprovalRequired, TurnEvent, TurnPaused
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import NotFound, StoreUnavailable
from lightspeed_core.quota.account import Account

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is kept of a turn's context beside its record."""

    checkpoint: Checkpoint
    is_new: bool
    system_prompt: str
    vector_store_ids: tuple[str, ...] | None
    calls_tools: bool
    nonce: str
    shield_ids: tuple[str, ...]
    endpoint: str
    generate_topic_summary: bool
    cites: bool


@cache
def _adapter() -> TypeAdapter[_Kept]:
    return TypeAdapter(_Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """For whom a turn goes on: who answered, with the headers of that request and the account."""

    caller: Identity
    account: Account
    mcp_headers: Mapping[str, Mapping[str, str]]
    headers: Mapping[str, str]


def asker(turn: Turn, seconds: float) -> Ask:
    """Return what words the questions of a turn; there is so much time to answer."""

    def ask(call: ToolCall, server: str | None, digest: str) -> Approval:
        now = datetime.now(UTC)
        return Approval(
            approval_id=str(uuid4()),
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
            user_id=turn.user_id,
            call_id=call.id,
            tool=call.name,
            server=server,
            arguments=call.arguments,
            digest=digest,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )

    return ask


def kept(context: TurnContext, paused: AnswerPaused) -> Pause:
    """Return what is stored of a turn that stops here."""
    request = context.request
    document = _Kept(
        checkpoint=paused.checkpoint,
        is_new=context.is_new,
        system_prompt=context.system_prompt,
        vector_store_ids=request.vector_store_ids,
        calls_tools=context.calls_tools,
        nonce=context.passages.nonce,
        shield_ids=tuple(shield.info.identifier for shield in context.shields),
        endpoint=request.endpoint,
        generate_topic_summary=request.generate_topic_summary,
        cites=request.cites,
    )
    return Pause(checkpoint=json.dumps(_plain(document)), approvals=paused.approvals)


async def leave_to_store(
    store: ConversationStore,
    context: TurnContext,
    paused: AnswerPaused,
    fold: TurnFold,
    journal: TurnJournal,
) -> tuple[TurnEvent, ...]:
    """Store a turn that stops here, and return what its readers are told then.

    Nobody hears of a question before it can be answered. Nothing is returned where the turn should
    stop, or is no longer this worker's.
    """
    questions = [ApprovalRequired(approval) for approval in paused.approvals]
    for question in questions:
        fold.add(question)
        journal.add(question)
    waiting = replace(fold.result(TurnState.AWAITING_APPROVAL), completed_at=None)
    await store.opened(waiting)
    if not await store.approvals.pause(waiting, journal.take(), kept(context, paused)):
        return ()
    logger.info("turn waits turn_id=%s approvals=%d", waiting.turn_id, len(questions))
    return (*questions, TurnPaused(waiting))


def ready_again(paused: PausedTurn, answerer: Answerer) -> TurnContext:
    """Return the context of a turn that goes on; raises `StoreUnavailable` for a damaged one."""
    turn = paused.turn
    try:
        known = _adapter().validate_python(json.loads(paused.pause.checkpoint))
    except ValueError as error:
        raise StoreUnavailable("What was kept of the turn is damaged") from error
    passages = Passages(nonce=known.nonce)
    passages.add(turn.rag_chunks)
    request = TurnRequest(
        query=turn.question,
        endpoint=known.endpoint,
        conversation_id=turn.conversation_id,
        generate_topic_summary=known.generate_topic_summary,
        vector_store_ids=known.vector_store_ids,
        cites=known.cites,
        mcp_headers=answerer.mcp_headers,
        headers=answerer.headers,
    )
    return TurnContext(
        begun=replace(turn, completed_at=None),
        caller=answerer.caller,
        request=request,
        is_new=known.is_new,
        system_prompt=known.system_prompt,
        calls_tools=known.calls_tools,
        passages=passages,
        account=answerer.account,
        continuation=Continuation(
            checkpoint=known.checkpoint,
            approvals=tuple(
                approval
                for approval in paused.pause.approvals
                if approval.approval_id in known.checkpoint.asked
            ),
            shield_ids=known.shield_ids,
        ),
    )


async def with_stores(
    context: TurnContext, engine: Engine, settings: SourceSettings
) -> TurnContext:
    """Add the stores that the model may search, as far as whoever answered may read them."""
    try:
        chosen = await Sources(engine, settings).choose(
            context.request.vector_store_ids, context.caller, calls_tools=context.calls_tools
        )
    except NotFound:
        return context
    return replace(context, tool_stores=chosen.tool)


def _plain(document: _Kept) -> dict[str, Any]:
    plain = asdict(document)
    plain["checkpoint"]["asked"] = sorted(document.checkpoint.asked)
    return plain
