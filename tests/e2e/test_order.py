"""Many conversations at once, and questions that do not wait for one another."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.support.service import Service
from tests.support.stub_llm import StubLLM

CONVERSATIONS = 20
QUESTIONS = 10
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}


@pytest.mark.requirement("turn.order")
async def test_two_hundred_questions_over_twenty_conversations_keep_their_order(
    service: Service, stub: StubLLM
) -> None:
    stub.clear()
    async with service.async_client() as client:
        await open_connections(client)
        opened = await asyncio.gather(*(open_conversation(client, c) for c in range(CONVERSATIONS)))
        answers = await asyncio.gather(
            *(
                ask_without_waiting(client, number, conversation_id)
                for number, conversation_id in enumerate(opened)
            )
        )

    for number, texts in enumerate(answers):
        assert texts == [f"You asked: {question(number, q)}" for q in range(1, QUESTIONS)]
    for number in range(CONVERSATIONS):
        assert longest_prompt(stub, number) == [question(number, q) for q in range(QUESTIONS)]


def question(conversation: int, number: int) -> str:
    return f"conversation {conversation} question {number}"


async def open_connections(client: httpx2.AsyncClient) -> None:
    """Connect beforehand: a question that still has to connect can be overtaken on its way."""
    probes = (client.get("/liveness") for _ in range(CONVERSATIONS * QUESTIONS))
    await asyncio.gather(*probes)


async def open_conversation(client: httpx2.AsyncClient, conversation: int) -> str:
    body = {"query": question(conversation, 0)} | SILENT
    answer = await client.post("/v1/query", json=body)
    assert answer.status_code == 200
    return answer.json()["conversation_id"]


async def ask_without_waiting(
    client: httpx2.AsyncClient, conversation: int, conversation_id: str
) -> list[str]:
    """Send one question behind the other, 5 ms apart, and read the answers afterwards."""
    asked: list[asyncio.Task[httpx2.Response]] = []
    async with asyncio.TaskGroup() as group:
        for number in range(1, QUESTIONS):
            body = {
                "query": question(conversation, number),
                "conversation_id": conversation_id,
            } | SILENT
            asked.append(group.create_task(client.post("/v1/query", json=body)))
            await asyncio.sleep(0.005)
    assert [task.result().status_code for task in asked] == [200] * (QUESTIONS - 1)
    return [task.result().json()["response"] for task in asked]


def longest_prompt(stub: StubLLM, conversation: int) -> list[str]:
    """Return the questions of the conversation as its last turn's prompt lists them."""
    prompts = [
        [message["content"] for message in request["body"]["messages"] if message["role"] == "user"]
        for request in stub.requests()
    ]
    own = [prompt for prompt in prompts if prompt[0] == question(conversation, 0)]
    return max(own, key=len)
