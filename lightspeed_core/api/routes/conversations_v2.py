"""`/v2/conversations`: the same conversations, one's own alone."""

from fastapi import APIRouter

from lightspeed_core.api.deps import ConversationsDep
from lightspeed_core.api.errors import responses
from lightspeed_core.api.guards import GuardedRoute
from lightspeed_core.api.render.conversations import (
    render_dated_conversations,
    render_deletion,
    render_history,
    render_update,
)
from lightspeed_core.api.routes.conversations import (
    CONVERSATION_ERRORS,
    DELETION_ERRORS,
    Deleter,
    Editor,
    Lister,
    Reader,
)
from lightspeed_core.api.schemas.conversations import (
    ConversationDeleted,
    ConversationId,
    ConversationMark,
    ConversationResponse,
    ConversationUpdate,
    ConversationUpdated,
    DatedConversationsResponse,
    Limit,
    TurnMark,
)
from lightspeed_core.conversations.access import own_only

router = APIRouter(prefix="/v2", tags=["conversations"], route_class=GuardedRoute)


@router.get("/conversations", responses=responses(*CONVERSATION_ERRORS))
async def list_own_conversations(
    conversations: ConversationsDep,
    caller: Lister,
    after: ConversationMark,
    limit: Limit = None,
) -> DatedConversationsResponse:
    """List one's own conversations, the newest first."""
    listed = await conversations.list(own_only(caller), limit=limit, after=after)
    return render_dated_conversations(listed)


@router.get("/conversations/{conversation_id}", responses=responses(*CONVERSATION_ERRORS))
async def get_own_conversation(
    conversation_id: ConversationId,
    conversations: ConversationsDep,
    caller: Reader,
    after: TurnMark,
    limit: Limit = None,
) -> ConversationResponse:
    """Read one of one's own conversations: the turns that have ended, the oldest first."""
    owner = own_only(caller)
    turns = await conversations.history(owner, conversation_id, limit=limit, after=after)
    return render_history(conversation_id, turns)


@router.delete("/conversations/{conversation_id}", responses=responses(*DELETION_ERRORS))
async def delete_own_conversation(
    conversation_id: ConversationId, conversations: ConversationsDep, caller: Deleter
) -> ConversationDeleted:
    """Delete one of one's own conversations; what runs in it is stopped first."""
    deleted = await conversations.delete(own_only(caller), conversation_id)
    return render_deletion(conversation_id, deleted=deleted)


@router.put("/conversations/{conversation_id}", responses=responses(*CONVERSATION_ERRORS))
async def update_own_conversation(
    conversation_id: ConversationId,
    body: ConversationUpdate,
    conversations: ConversationsDep,
    caller: Editor,
) -> ConversationUpdated:
    """Give one of one's own conversations another topic."""
    await conversations.rename(own_only(caller), conversation_id, body.topic_summary)
    return render_update(conversation_id)
