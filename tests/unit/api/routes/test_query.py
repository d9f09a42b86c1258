"""`POST /v1/query`."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from lightspeed_core.api.schemas.query import QueryRequest
from lightspeed_core.domain.events import TurnFailed, TurnInterrupted
from lightspeed_core.domain.turn import TurnError, TurnState
from tests.support.asgi import client_of, open_stream
from tests.support.scripted_assistant import (
    CONVERSATION_ID,
    STARTED,
    TURN_ID,
    ScriptedAssistant,
    turn,
)

BOUND_SECONDS = 5.0


async def post(app: ASGIApp, body: Any, path: str = "/v1/query", **headers: str) -> Any:
    async with client_of(app) as client:
        answer = await client.post(path, json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_an_answer_has_every_key_of_the_contract(app: ASGIApp) -> None:
    assert await post(app, {"query": "Say hello"}) == (
        200,
        {
            "conversation_id": CONVERSATION_ID,
            "request_id": TURN_ID,
            "response": "Hello there",
            "approval_required": None,
            "rag_chunks": [],
            "tool_calls": [],
            "tool_results": [],
            "referenced_documents": [],
            "citations": [],
            "warnings": [],
            "incomplete_reason": None,
            "recorded": True,
            "truncated": False,
            "input_tokens": 7,
            "output_tokens": 2,
            "tokens_estimated": False,
            "available_quotas": {},
        },
    )


def value_error(place: list[str], message: str, value: Any) -> dict[str, Any]:
    return {
        "type": "value_error",
        "loc": ["body", *place],
        "msg": f"Value error, {message}",
        "input": value,
        "ctx": {"error": {}},
    }


WITH_MODEL = {"query": "q", "model": "gpt"}
WITH_PROVIDER = {"query": "q", "provider": "openai"}
INVALID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"provider": "openai"},
        {
            "type": "missing",
            "loc": ["body", "query"],
            "msg": "Field required",
            "input": {"provider": "openai"},
        },
    ),
    (
        WITH_MODEL,
        value_error([], "Provider must be specified if model is specified", WITH_MODEL),
    ),
    (
        WITH_PROVIDER,
        value_error([], "Model must be specified if provider is specified", WITH_PROVIDER),
    ),
    (
        {"query": "q", "conversation_id": "abc"},
        value_error(["conversation_id"], "Improper conversation ID 'abc'", "abc"),
    ),
    (
        {"query": "q", "nope": 1},
        {
            "type": "extra_forbidden",
            "loc": ["body", "nope"],
            "msg": "Extra inputs are not permitted",
            "input": 1,
        },
    ),
]


@pytest.mark.parametrize("path", ["/v1/query", "/v1/streaming_query"])
@pytest.mark.parametrize(("body", "fault"), INVALID)
async def test_an_invalid_body_is_answered_with_its_faults(
    app: ASGIApp,
    assistant: ScriptedAssistant,
    body: dict[str, Any],
    fault: dict[str, Any],
    path: str,
) -> None:
    assert await post(app, body, path) == (422, {"detail": [fault]})
    assert assistant.started == []


async def test_headers_for_mcp_servers_arrive_with_the_question(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    header = json.dumps({"fs": {"Authorization": "t"}})
    assert (await post(app, {"query": "q"}, **{"mcp-headers": header}))[0] == 200
    assert (await post(app, {"query": "q"}, **{"mcp-headers": "garbage"}))[0] == 200
    sent = [request.mcp_headers for request, _ in assistant.started]
    assert sent == [{"fs": {"Authorization": "t"}}, {}]


async def test_a_turn_that_failed_after_its_start_is_an_http_error(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    error = TurnError(code="engine_unavailable", message="Unable to connect", cause="refused")
    assistant.steps = [(STARTED,), (TurnFailed(turn(state=TurnState.FAILED), error),)]
    assert await post(app, {"query": "q"}) == (
        503,
        {"detail": {"response": "Unable to connect", "cause": "refused"}},
    )


async def test_a_turn_that_was_stopped_answers_with_what_there_was(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    stopped = turn("Hel", state=TurnState.INTERRUPTED)
    assistant.steps = [(STARTED,), (TurnInterrupted(stopped),)]
    status, body = await post(app, {"query": "q"})
    assert status == 200
    assert body["response"] == "Hel"
    assert [warning["code"] for warning in body["warnings"]] == ["interrupted"]


async def test_a_client_that_does_not_wait_is_reported(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [(STARTED,), asyncio.Event()]
    headers = {"content-type": "application/json"}
    async with open_stream(
        app, "POST", "/v1/query", body=b'{"query": "q"}', headers=headers
    ) as stream:
        async with asyncio.timeout(BOUND_SECONDS):
            while not assistant.started:
                await asyncio.sleep(0)
        stream.gone.set()
        await stream.rest()
    assert assistant.abandoned == [TURN_ID]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = (*QueryRequest.model_fields, "nope")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.dictionaries(st.sampled_from(FIELDS), ANYTHING) | ANYTHING)
async def test_no_body_is_a_failure_of_the_service(app: ASGIApp, body: Any) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            "/v1/query",
            content=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code in {200, 422}
    answer.json()
