"""Resolve a request into a turn: every refusal that needs no model happens here.

The order of the checks is part of the contract: override right, conversation, model, system
prompt, attachments, shields, vector stores, quotas.
"""

from datetime import UTC, datetime
from uuid import uuid4

from lightspeed_core.assistant.attachments import check_attachments
from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.model_choice import can_call_tools, choose_model
from lightspeed_core.assistant.prompts import resolve_system_prompt
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.shields.registered import choose_shields
from lightspeed_core.assistant.shields.shield import Shield
from lightspeed_core.assistant.sources import Chosen, Sources
from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.access import get_permitted
from lightspeed_core.conversations.models import Conversation
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import ModelRef, Turn
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import Forbidden, InvalidRequest
from lightspeed_core.quota.account import Quotas


async def prepare_turn(
    request: TurnRequest,
    caller: Identity,
    *,
    engine: Engine,
    store: ConversationStore,
    settings: AssistantSettings,
    quotas: Quotas,
) -> TurnContext:
    """Return the turn that answers the request, or raise the refusal that applies first."""
    requested = _requested_model(request, caller)
    conversation = await _conversation(request, caller, store)
    models = {model.identifier: model for model in await engine.models()}
    model = choose_model(
        tuple(models.values()),
        requested=requested,
        last_used=_last_used(conversation),
        configured=settings.default_model,
    )
    system_prompt = resolve_system_prompt(
        request.system_prompt,
        settings.system_prompt,
        may_choose=settings.allow_system_prompt,
        variables=request.prompt_variables,
    )
    check_attachments(request.attachments, models.get(model.identifier))
    shields = await _shields(request, engine, settings)
    calls_tools = can_call_tools(models.get(model.identifier), settings.models_without_tools)
    stores = Chosen()
    if not request.no_tools:
        stores = await Sources(engine, settings.sources).choose(
            request.vector_store_ids, caller, calls_tools=calls_tools
        )
    account = quotas.account(caller, model)
    await account.check()
    return TurnContext(
        begun=_begun(request, caller, conversation, model),
        caller=caller,
        request=request,
        is_new=conversation is None,
        system_prompt=system_prompt,
        shields=shields,
        keeps_original="store" in settings.shielding.original_for,
        stores=stores.inline,
        tool_stores=stores.tool,
        calls_tools=calls_tools,
        account=account,
    )


def _begun(
    request: TurnRequest, caller: Identity, conversation: Conversation | None, model: ModelRef
) -> Turn:
    return Turn(
        turn_id=str(uuid4()),
        conversation_id=conversation.conversation_id if conversation else str(uuid4()),
        user_id=caller.user_id,
        question=request.query,
        model=model,
        started_at=datetime.now(UTC),
        attachments=request.attachments,
    )


def _requested_model(request: TurnRequest, caller: Identity) -> ModelRef | None:
    if request.provider is None or request.model is None:
        return None
    if not caller.may(Action.MODEL_OVERRIDE):
        raise Forbidden(
            "This instance does not permit overriding model/provider in the query request "
            "(missing permission: model_override). Please remove the model and provider fields "
            "from your request.",
            "User lacks model_override permission required to override model/provider.",
        )
    return ModelRef(provider=request.provider, model=request.model)


async def _conversation(
    request: TurnRequest, caller: Identity, store: ConversationStore
) -> Conversation | None:
    if not request.conversation_id:
        return None
    return await get_permitted(
        store,
        request.conversation_id.removeprefix("conv_"),
        caller,
        verb="read",
        powers=(Action.QUERY_OTHER_CONVERSATIONS, Action.READ_OTHER_CONVERSATIONS),
    )


def _last_used(conversation: Conversation | None) -> ModelRef | None:
    if conversation is None:
        return None
    provider, model = conversation.last_used_provider, conversation.last_used_model
    return ModelRef(provider=provider, model=model) if provider and model else None


async def _shields(
    request: TurnRequest, engine: Engine, settings: AssistantSettings
) -> tuple[Shield, ...]:
    if request.shield_ids is not None and not settings.allow_shield_ids:
        raise InvalidRequest(
            "Shield IDs customization is disabled",
            "This instance does not support customizing shield IDs in the query request "
            "(disable_shield_ids_override is set). "
            "Please remove the shield_ids field from your request.",
        )
    return await choose_shields(engine, settings.shields, request.shield_ids)
