"""`/v1/conversations` and `/v2/conversations`."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from lightspeed_core.conversations.approvals import Pause
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.retrieval import ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import Turn, TurnError, TurnState
from tests.support.asgi import client_of
from tests.support.databases import NOON, a_turn, answered, completed
from tests.support.scripted_assistant import APPROVAL

VERSIONS = ("v1", "v2")
STACK_ID = "0123456789abcdef" * 3
UNKNOWN_ID = "123e4567-e89b-42d3-a456-426614174000"

both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
async def client(app: ASGIApp) -> AsyncGenerator[httpx2.AsyncClient]:
    async with client_of(app) as client:
        client.params = httpx2.QueryParams(user_id="ann")
        yield client


async def ended(store: ConversationStore, turn: Turn, *, is_new: bool = True) -> Turn:
    if is_new:
        store.begin_new(turn)
    else:
        await store.begin(turn)
    await store.finish(turn, None)
    return turn


async def test_the_first_version_lists_what_was_used(
    client: httpx2.AsyncClient, store: ConversationStore
) -> None:
    turn = await answered(store, a_turn())

    answer = await client.get("/v1/conversations")

    assert answer.status_code == 200
    assert answer.json() == {
        "conversations": [
            {
                "conversation_id": turn.conversation_id,
                "created_at": "2025-11-21T12:00:00.123456+00:00",
                "last_message_at": "2025-11-21T12:00:01.123456+00:00",
                "message_count": 1,
                "last_used_model": "small",
                "last_used_provider": "openai",
                "topic_summary": None,
            }
        ]
    }


async def test_the_second_version_lists_times_as_numbers(
    client: httpx2.AsyncClient, store: ConversationStore
) -> None:
    turn = await answered(store, a_turn())
    await store.rename(turn.conversation_id, "Why")

    answer = await client.get("/v2/conversations")

    assert answer.json() == {
        "conversations": [
            {
                "conversation_id": turn.conversation_id,
                "topic_summary": "Why",
                "last_message_timestamp": (NOON + timedelta(seconds=1)).timestamp(),
            }
        ]
    }


@both
async def test_pages_of_a_list_follow_one_another_from_the_newest_on(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    ids = [
        (await answered(store, a_turn(started_at=NOON + timedelta(minutes=n)))).conversation_id
        for n in range(5)
    ]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while page := (await client.get(f"/{version}/conversations", params=query)).json()[
        "conversations"
    ]:
        assert len(page) <= 2
        seen.extend(each["conversation_id"] for each in page)
        query["after"] = f"conv_{seen[-1]}"

    assert seen == ids[::-1]


@both
async def test_a_turn_is_read_with_everything_that_it_rested_on(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    document = ReferencedDocument(doc_url="https://d", doc_title="D", source="s", document_id="d")
    turn = await ended(
        store,
        replace(
            completed(a_turn()),
            tool_calls=(ToolCall(id="c1", name="search", arguments={"q": 1}),),
            tool_results=(
                ToolResult(call_id="c1", name="search", status="completed", content="found"),
            ),
            referenced_documents=(document,),
        ),
    )

    answer = await client.get(f"/{version}/conversations/{turn.conversation_id}")

    assert answer.status_code == 200
    body = answer.json()
    assert body["conversation_id"] == turn.conversation_id
    (read,) = body["chat_history"]
    (call,), (result,) = read.pop("tool_calls"), read.pop("tool_results")
    assert (call["id"], call["name"], call["args"]) == ("c1", "search", {"q": 1})
    assert (call["tool_name"], call["result"]) == ("search", {"response": "found"})
    assert (result["id"], result["content"]) == ("c1", "found")
    rested_on = {"doc_url": "https://d", "doc_title": "D", "source": "s", "document_id": "d"}
    assert read == {
        "request_id": turn.turn_id,
        "state": "completed",
        "error": None,
        "messages": [
            {"content": "Why?", "type": "user", "referenced_documents": None},
            {"content": "Because.", "type": "assistant", "referenced_documents": [rested_on]},
        ],
        "approvals": [],
        "citations": [],
        "warnings": [],
        "provider": "openai",
        "model": "small",
        "started_at": "2025-11-21T12:00:00Z",
        "completed_at": "2025-11-21T12:00:01Z",
    }


@both
@pytest.mark.parametrize(
    ("state", "text", "shown"),
    [
        (TurnState.INTERRUPTED, "Half an", "Half an"),
        (TurnState.INTERRUPTED, "", "*The answer was interrupted before its first word.*"),
        (TurnState.FAILED, "Half an", "Half an"),
        (TurnState.FAILED, "", "*The question was not answered: Model gone.*"),
        (TurnState.COMPLETED, "", ""),
    ],
)
async def test_a_turn_without_an_end_is_read_with_what_there_was(
    client: httpx2.AsyncClient,
    store: ConversationStore,
    version: str,
    state: TurnState,
    text: str,
    shown: str,
) -> None:
    is_failed = state is TurnState.FAILED
    cut = TurnError(code="engine_failed", message="Model gone", cause="cut")
    error = cut if is_failed else None
    turn = await ended(store, replace(completed(a_turn(), text), state=state, error=error))

    body = (await client.get(f"/{version}/conversations/{turn.conversation_id}")).json()

    (read,) = body["chat_history"]
    assert read["state"] == state
    assert read["messages"][1]["content"] == shown
    assert read["error"] == ({"response": "Model gone", "cause": "cut"} if is_failed else None)


@both
async def test_a_conversation_whose_first_turn_runs_has_no_turns_yet(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    turn = a_turn()
    store.begin_new(turn)

    answer = await client.get(f"/{version}/conversations/{turn.conversation_id}")

    assert (answer.status_code, answer.json()["chat_history"]) == (200, [])


@both
async def test_pages_of_a_conversation_follow_one_another_from_the_oldest_on(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    first = await answered(store, a_turn())
    path = f"/{version}/conversations/{first.conversation_id}"
    later = [await answered(store, a_turn(first.conversation_id), is_new=False) for _ in range(4)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while page := (await client.get(path, params=query)).json()["chat_history"]:
        assert len(page) <= 2
        seen.extend(turn["request_id"] for turn in page)
        query["after"] = seen[-1]

    assert seen == [turn.turn_id for turn in (first, *later)]


@both
async def test_a_conversation_is_named(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    turn = await answered(store, a_turn())
    path = f"/{version}/conversations/{turn.conversation_id}"

    answer = await client.put(path, json={"topic_summary": "Ports"})

    assert answer.status_code == 200
    assert answer.json() == {
        "conversation_id": turn.conversation_id,
        "success": True,
        "message": "Topic summary updated successfully",
    }
    listed = (await client.get(f"/{version}/conversations")).json()["conversations"]
    assert [each["topic_summary"] for each in listed] == ["Ports"]


@both
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "missing"),
        ({"topic_summary": ""}, "string_too_short"),
        ({"topic_summary": "x" * 1001}, "string_too_long"),
        ({"topic_summary": "x\0"}, "value_error"),
        ({"topic_summary": "x", "colour": "red"}, "extra_forbidden"),
    ],
)
async def test_a_name_that_is_none_is_refused(
    client: httpx2.AsyncClient, version: str, body: dict[str, Any], kind: str
) -> None:
    answer = await client.put(f"/{version}/conversations/{UNKNOWN_ID}", json=body)

    assert answer.status_code == 422
    assert [fault["type"] for fault in answer.json()["detail"]] == [kind]


@both
async def test_a_conversation_is_deleted_once(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    turn = await answered(store, a_turn())
    path = f"/{version}/conversations/{turn.conversation_id}"

    first, second = await client.delete(path), await client.delete(path)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == {
        "conversation_id": turn.conversation_id,
        "deleted": True,
        "response": "Conversation deleted successfully",
        "success": True,
    }
    assert second.json() == {
        "conversation_id": turn.conversation_id,
        "deleted": False,
        "response": "Conversation not found",
        "success": True,
    }
    assert await store.find_turn(turn.turn_id) is None


@both
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_what_does_not_exist_is_not_found(
    client: httpx2.AsyncClient, version: str, method: str
) -> None:
    answer = await ask(client, method, version, UNKNOWN_ID)

    assert answer.status_code == 404
    assert answer.json()["detail"] == {
        "response": "Conversation not found",
        "cause": f"Conversation with ID {UNKNOWN_ID} does not exist",
    }


@both
@pytest.mark.parametrize(
    ("method", "verb"), [("GET", "read"), ("PUT", "update"), ("DELETE", "delete")]
)
async def test_the_conversation_of_another_is_forbidden_and_left_alone(
    client: httpx2.AsyncClient, store: ConversationStore, version: str, method: str, verb: str
) -> None:
    bobs = await answered(store, a_turn(user_id="bob"))
    before = await store.find(bobs.conversation_id)

    answer = await ask(client, method, version, bobs.conversation_id)

    assert answer.status_code == 403
    assert answer.json()["detail"] == {
        "response": "User does not have permission to perform this action",
        "cause": f"User ann does not have permission to {verb} conversation with ID "
        f"{bobs.conversation_id}",
    }
    assert await store.find(bobs.conversation_id) == before


@both
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("wrong", ["abcdef", "conv_abcdef", f"{STACK_ID}0", f"x{UNKNOWN_ID}"])
async def test_an_id_of_another_form_is_refused(
    client: httpx2.AsyncClient, version: str, method: str, wrong: str
) -> None:
    answer = await ask(client, method, version, wrong)

    assert answer.status_code == 400
    assert answer.json()["detail"] == {
        "response": "Invalid conversation ID format",
        "cause": f"The conversation ID {wrong} has invalid format.",
    }


@both
async def test_every_form_of_an_id_names_one_conversation(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    await answered(store, a_turn(STACK_ID))
    turn = await answered(store, a_turn())

    for kept, sent in (
        (STACK_ID, f"conv_{STACK_ID}"),
        (STACK_ID, STACK_ID),
        (turn.conversation_id, turn.conversation_id.upper()),
        (turn.conversation_id, f"conv_{turn.conversation_id}"),
    ):
        answer = await ask(client, "GET", version, sent)
        assert answer.json()["conversation_id"] == kept


@both
@pytest.mark.parametrize(
    ("path", "after", "status", "response"),
    [
        ("", "abcdef", 400, "Invalid conversation ID format"),
        ("", UNKNOWN_ID, 404, "Conversation not found"),
        ("/{conversation_id}", "abcdef", 400, "Invalid request ID format"),
        ("/{conversation_id}", UNKNOWN_ID, 404, "Turn not found"),
    ],
)
async def test_a_page_behind_nothing_is_refused(
    client: httpx2.AsyncClient,
    store: ConversationStore,
    version: str,
    path: str,
    after: str,
    status: int,
    response: str,
) -> None:
    turn = await answered(store, a_turn())
    path = path.replace("{conversation_id}", turn.conversation_id)

    answer = await client.get(f"/{version}/conversations{path}", params={"after": after})

    assert (answer.status_code, answer.json()["detail"]["response"]) == (status, response)


@both
@pytest.mark.parametrize("limit", ["0", "-1", "10001", "many"])
async def test_a_limit_that_is_none_is_refused(
    client: httpx2.AsyncClient, version: str, limit: str
) -> None:
    for path in ("", f"/{UNKNOWN_ID}"):
        answer = await client.get(f"/{version}/conversations{path}", params={"limit": limit})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", "limit"]


async def ask(
    client: httpx2.AsyncClient, method: str, version: str, conversation_id: str
) -> httpx2.Response:
    body = {"topic_summary": "Mine"} if method == "PUT" else None
    return await client.request(method, f"/{version}/conversations/{conversation_id}", json=body)


@both
async def test_a_turn_that_waits_for_its_user_is_shown_with_what_it_waits_for(
    client: httpx2.AsyncClient, store: ConversationStore, version: str
) -> None:
    turn = a_turn()
    approval = replace(APPROVAL, turn_id=turn.turn_id, conversation_id=turn.conversation_id)
    store.begin_new(turn)
    waiting = replace(turn, state=TurnState.AWAITING_APPROVAL, approvals=(approval,))
    pause = Pause(checkpoint="{}", approvals=(approval,))
    await store.opened(turn)
    assert await store.approvals.pause(waiting, None, pause)

    answer = await client.get(f"/{version}/conversations/{turn.conversation_id}")

    (shown,) = answer.json()["chat_history"]
    assert (shown["state"], shown["completed_at"]) == ("awaiting_approval", None)
    said = shown["messages"][1]["content"]
    assert said == "*The answer waits until the use of a tool is allowed.*"
    assert shown["approvals"] == [
        {
            "approval_id": approval.approval_id,
            "tool_call_id": "fc_1",
            "server": "home",
            "tool": "heat",
            "state": "open",
            "reason": None,
            "expires_at": "2025-11-21T12:05:00+00:00",
            "answered_at": None,
        }
    ]
