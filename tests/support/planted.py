"""A turn that waits for its user, written beside a service into its database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.pausing import asker, kept
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.approvals import Approval, Checkpoint
from lightspeed_core.domain.events import AnswerPaused
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.turn import TurnState
from tests.support.databases import a_turn
from tests.support.scripted_tools import HEAT, a_call


def plant_waiting_turn(settings: DatabaseSettings, user_id: str, *, word: str = "room") -> Approval:
    """Have a new conversation of a user wait, and return what it waits for."""
    return asyncio.run(_plant(settings, user_id, word))


async def _plant(settings: DatabaseSettings, user_id: str, word: str) -> Approval:
    turn = a_turn(user_id=user_id, question=f"Heat the {word}", started_at=datetime.now(UTC))
    call = a_call(1, HEAT, room=word)
    approval = asker(turn, 3600)(call, HEAT.server, HEAT.digest)
    checkpoint = Checkpoint(
        round=1,
        called=1,
        messages=(Message(role=Role.USER, content=turn.question),),
        text="",
        calls=(call,),
        outputs={},
        asked=frozenset({approval.approval_id}),
    )
    context = TurnContext(
        begun=turn,
        caller=Identity(user_id=user_id, username=user_id),
        request=TurnRequest(query=turn.question, generate_topic_summary=False),
        is_new=True,
        system_prompt="",
    )
    waiting = replace(turn, state=TurnState.AWAITING_APPROVAL, approvals=(approval,))
    async with SqlConversationStore(Database(settings), is_shared=True) as store:
        store.begin_new(turn)
        await store.opened(turn)
        pause = kept(context, AnswerPaused(checkpoint, (approval,)))
        assert await store.approvals.pause(waiting, None, pause)
    return approval
