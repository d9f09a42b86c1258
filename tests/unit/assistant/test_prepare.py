from dataclasses import replace

import pytest

from lightspeed_core.assistant.context import AssistantSettings, TurnContext
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.prepare import prepare_turn
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import Attachment
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.engine.types import ModelInfo
from lightspeed_core.errors import Forbidden, InvalidRequest, NotFound
from lightspeed_core.quota.account import NoQuotas
from tests.support.assistants import Wired, caller
from tests.support.scripted_engine import ScriptedEngine

UNKNOWN = "123e4567-e89b-42d3-a456-426614174000"
SETTINGS = AssistantSettings(system_prompt="Be brief.")


def llm(identifier: str) -> ModelInfo:
    ref = ModelRef.parse(identifier)
    return ModelInfo(
        identifier=identifier,
        provider_id=ref.provider,
        provider_resource_id=ref.model,
        model_type="llm",
    )


async def prepare(
    request: TurnRequest,
    engine: ScriptedEngine,
    store: MemoryConversationStore,
    *,
    who: Identity | None = None,
    settings: AssistantSettings = SETTINGS,
) -> TurnContext:
    return await prepare_turn(
        request, who or caller(), engine=engine, store=store, settings=settings, quotas=NoQuotas()
    )


async def a_conversation(worker: Wired) -> str:
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    return (await outcome_of(source)).conversation_id


@pytest.mark.requirement("query.answer")
async def test_a_new_conversation_gets_an_id_of_version_four(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    context = await prepare(TurnRequest(query="x"), engine, store)

    assert context.is_new
    assert context.begun.conversation_id[14] == "4"


async def test_an_unknown_conversation_is_not_found(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    with pytest.raises(NotFound, match="Conversation not found"):
        await prepare(TurnRequest(query="x", conversation_id=UNKNOWN), engine, store)


async def test_a_foreign_conversation_is_refused_without_the_action(
    worker: Wired, engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query="x", conversation_id=await a_conversation(worker))
    with pytest.raises(Forbidden):
        await prepare(request, engine, store, who=caller("bob"))

    allowed = caller("bob", Action.READ_OTHER_CONVERSATIONS)
    context = await prepare(request, engine, store, who=allowed)

    assert context.begun.user_id == "bob"


async def test_the_engines_prefix_of_a_conversation_id_is_accepted(
    worker: Wired, engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    conversation_id = await a_conversation(worker)
    request = TurnRequest(query="x", conversation_id=f"conv_{conversation_id}")

    assert (await prepare(request, engine, store)).begun.conversation_id == conversation_id


@pytest.mark.requirement("check.order")
async def test_choosing_a_model_needs_the_action(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query="x", provider="scripted", model="model")
    with pytest.raises(Forbidden, match="model_override"):
        await prepare(request, engine, store, who=Identity(user_id="ann", username="ann"))

    assert (await prepare(request, engine, store)).begun.model.identifier == "scripted/model"


async def test_the_right_to_choose_is_judged_before_the_conversation(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query="x", provider="p", model="m", conversation_id=UNKNOWN)

    with pytest.raises(Forbidden):
        await prepare(request, engine, store, who=Identity(user_id="ann", username="ann"))


async def test_an_unknown_model_is_not_found(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    with pytest.raises(NotFound, match="Model with ID nope does not exist"):
        await prepare(TurnRequest(query="x", provider="p", model="nope"), engine, store)


async def test_the_model_is_the_last_used_then_the_configured_then_the_first_listed(
    worker: Wired, engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    conversation_id = await a_conversation(worker)
    engine.model_list = [llm("a/first"), llm("b/second"), llm("scripted/model")]
    settings = AssistantSettings(
        system_prompt="", default_model=ModelRef(provider="b", model="second")
    )

    continued = TurnRequest(query="x", conversation_id=conversation_id)
    assert (
        await prepare(continued, engine, store, settings=settings)
    ).begun.model.identifier == "scripted/model"
    new = TurnRequest(query="x")
    assert (
        await prepare(new, engine, store, settings=settings)
    ).begun.model.identifier == "b/second"
    assert (await prepare(new, engine, store)).begun.model.identifier == "a/first"


async def test_a_last_used_model_that_is_gone_gives_way(
    worker: Wired, engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    conversation_id = await a_conversation(worker)
    engine.model_list = [llm("a/first")]

    context = await prepare(TurnRequest(query="x", conversation_id=conversation_id), engine, store)

    assert context.begun.model.identifier == "a/first"


async def test_without_any_model_the_answer_is_not_found(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    engine.model_list = []

    with pytest.raises(NotFound, match="No Model is configured"):
        await prepare(TurnRequest(query="x"), engine, store)


@pytest.mark.requirement("query.system-prompt")
async def test_a_system_prompt_of_the_request_rules_its_turn_unless_forbidden(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query="x", system_prompt="Speak like a pirate.")
    assert (await prepare(request, engine, store)).system_prompt == "Speak like a pirate."
    assert (await prepare(TurnRequest(query="x"), engine, store)).system_prompt == "Be brief."

    forbidden = AssistantSettings(system_prompt="Be brief.", allow_system_prompt=False)
    with pytest.raises(InvalidRequest, match="System prompt customization is disabled"):
        await prepare(request, engine, store, settings=forbidden)
    empty = TurnRequest(query="x", system_prompt="")
    context = await prepare(empty, engine, store, settings=forbidden)
    assert context.system_prompt == "Be brief."


@pytest.mark.requirement("query.attachments")
@pytest.mark.parametrize(
    ("attachment_type", "content_type", "cause"),
    [
        ("foo", "text/plain", "Invalid attachment type foo: must be one of alert"),
        ("log", "text/html", "Invalid attachment content type text/html: must be one of"),
    ],
)
async def test_an_attachment_of_an_unknown_kind_is_refused(
    attachment_type: str,
    content_type: str,
    cause: str,
    engine: ScriptedEngine,
    store: MemoryConversationStore,
) -> None:
    attachment = Attachment(attachment_type=attachment_type, content_type=content_type, content="x")

    with pytest.raises(InvalidRequest, match=cause):
        await prepare(TurnRequest(query="x", attachments=(attachment,)), engine, store)


PICTURE = Attachment(attachment_type="image", content_type="image/png", content="iVBORw0KGgo=")


@pytest.mark.requirement("query.images")
async def test_an_image_is_refused_where_the_model_is_known_to_take_none(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    engine.model_list[0] = replace(engine.model_list[0], metadata={"takes_images": False})
    log = Attachment(attachment_type="log", content_type="text/plain", content="boom")

    with pytest.raises(InvalidRequest, match="Model scripted/model takes no images"):
        await prepare(TurnRequest(query="x", attachments=(log, PICTURE)), engine, store)
    assert await prepare(TurnRequest(query="x", attachments=(log,)), engine, store)


@pytest.mark.requirement("query.images")
@pytest.mark.parametrize("metadata", [{}, {"takes_images": True}])
async def test_an_image_is_sent_to_every_other_model_and_not_again(
    worker: Wired, engine: ScriptedEngine, metadata: dict[str, bool]
) -> None:
    engine.model_list[0] = replace(engine.model_list[0], metadata=metadata)
    asked = TurnRequest(query="x", attachments=(PICTURE,), generate_topic_summary=False)
    turn = await outcome_of(await worker.assistant.start(asked, caller()))
    further = TurnRequest(query="y", conversation_id=turn.conversation_id)
    await outcome_of(await worker.assistant.start(further, caller()))

    first, second = (chat.messages for chat in engine.chats)
    assert first[-1].images == ("data:image/png;base64,iVBORw0KGgo=",)
    assert [message.images for message in second] == [()] * len(second)


async def test_attachments_follow_the_question_under_their_type(
    worker: Wired, engine: ScriptedEngine
) -> None:
    attachment = Attachment(attachment_type="log", content_type="text/plain", content="boom")
    request = TurnRequest(query="why?", attachments=(attachment,))

    await outcome_of(await worker.assistant.start(request, caller()))

    assert engine.chats[0].messages[-1].content == "why?\n\n[Attachment: log]\nboom"


async def test_an_unknown_shield_is_not_found_and_shields_may_be_fixed(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query="x", shield_ids=("nope",))
    with pytest.raises(NotFound, match="Shield with ID nope does not exist"):
        await prepare(request, engine, store)

    fixed = AssistantSettings(system_prompt="", allow_shield_ids=False)
    with pytest.raises(InvalidRequest, match="Shield IDs customization is disabled"):
        await prepare(request, engine, store, settings=fixed)


@pytest.mark.requirement("query.unknown")
async def test_an_unknown_vector_store_is_not_found(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    with pytest.raises(NotFound):
        await prepare(TurnRequest(query="x", vector_store_ids=("nope",)), engine, store)


async def test_the_first_model_that_answers_serves_where_none_is_named(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    engine.model_list.reverse()
    assert engine.model_list[0].model_type == "embedding"

    context = await prepare(TurnRequest(query="x"), engine, store)

    assert context.begun.model.identifier == "scripted/model"


async def test_listed_shields_may_be_chosen_in_any_number(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    for name in ("a", "b", "c"):
        engine.add_shield(name)

    context = await prepare(TurnRequest(query="x", shield_ids=("c", "a")), engine, store)

    assert [each.info.identifier for each in context.shields] == ["c", "a"]
