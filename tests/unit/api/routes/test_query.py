"""`POST /v1/query`."""

from starlette.types import ASGIApp

from tests.support.asgi import client_of
from tests.support.scripted_assistant import CONVERSATION_ID, TURN_ID


async def test_an_answer_has_every_key_of_the_contract(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/query", json={"query": "Say hello"})
    assert answer.status_code == 200
    assert answer.json() == {
        "conversation_id": CONVERSATION_ID,
        "request_id": TURN_ID,
        "response": "Hello there",
        "rag_chunks": [],
        "tool_calls": [],
        "tool_results": [],
        "referenced_documents": [],
        "citations": [],
        "warnings": [],
        "recorded": True,
        "truncated": False,
        "input_tokens": 7,
        "output_tokens": 2,
        "available_quotas": {},
    }
