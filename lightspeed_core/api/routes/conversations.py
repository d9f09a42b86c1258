"""`/v1/conversations`: one's own, and others' with the actions on these."""

from typing import Annotated, Final

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import ConversationsDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.render.conversations import (
    render_conversations,
    render_deletion,
    render_history,
    render_update,
)
from lightspeed_core.api.schemas.conversations import (
    ConversationDeleted,
    ConversationId,
    ConversationMark,
    ConversationResponse,
    ConversationsResponse,
    ConversationUpdate,
    ConversationUpdated,
    Limit,
    TurnMark,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1", tags=["conversations"], route_class=GuardedRoute)

_COMMON_ERRORS: Final = (
    *CALLER_ERRORS,
    errors.InvalidRequest,
    errors.StoreUnavailable,
    errors.NotReady,
)
DELETION_ERRORS: Final = (*_COMMON_ERRORS, errors.StorageFailed)
CONVERSATION_ERRORS: Final = (*_COMMON_ERRORS, errors.NotFound)

Lister = Annotated[Identity, require(Action.LIST_CONVERSATIONS)]
Reader = Annotated[Identity, require(Action.GET_CONVERSATION)]
Deleter = Annotated[Identity, require(Action.DELETE_CONVERSATION)]
Editor = Annotated[Identity, require(Action.UPDATE_CONVERSATION)]


@router.get("/conversations", responses=responses(*CONVERSATION_ERRORS))
async def list_conversations(
    conversations: ConversationsDep,
    caller: Lister,
    after: ConversationMark,
    limit: Limit = None,
) -> ConversationsResponse:
    """List conversations, the newest first."""
    return render_conversations(await conversations.list(caller, limit=limit, after=after))


@router.get("/conversations/{conversation_id}", responses=responses(*CONVERSATION_ERRORS))
async def get_conversation(
    conversation_id: ConversationId,
    conversations: ConversationsDep,
    caller: Reader,
    after: TurnMark,
    limit: Limit = None,
) -> ConversationResponse:
    """Read a conversation: the turns that have ended, the oldest first."""
    turns = await conversations.history(caller, conversation_id, limit=limit, after=after)
    return render_history(conversation_id, turns)


@router.delete("/conversations/{conversation_id}", responses=responses(*DELETION_ERRORS))
async def delete_conversation(
    conversation_id: ConversationId, conversations: ConversationsDep, caller: Deleter
) -> ConversationDeleted:
    """Delete a conversation with all its turns; what runs in it is stopped first."""
    deleted = await conversations.delete(caller, conversation_id)
    return render_deletion(conversation_id, deleted=deleted)


@router.put("/conversations/{conversation_id}", responses=responses(*CONVERSATION_ERRORS))
async def update_conversation(
    conversation_id: ConversationId,
    body: ConversationUpdate,
    conversations: ConversationsDep,
    caller: Editor,
) -> ConversationUpdated:
    """Give a conversation another topic."""
    await conversations.rename(caller, conversation_id, body.topic_summary)
    return render_update(conversation_id)
