"""Clients of started services that ask, rate, name and delete, and remember what they were told."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, cycle
from typing import Any
from uuid import uuid4

import httpx2

from tests.support.kept_turns import NAME, Told
from tests.support.service import START_SECONDS, Service
from tests.support.streams import read_frames_async

TURNS = 4
DELETED_ONE_OF = 3
WORDS = "and a dozen more words that come one by one as tokens of the answer"
DELAY = "[[delay=4]]"
ANYWHERE: Mapping[str, Any] = {"vector_store_ids": []}


class Writer:
    """One client; each request goes to the next service, over a connection of its own.

    `on_told` gets the name of each thing that it was told. A service that dies shows as a
    `TransportError`.
    """

    def __init__(
        self,
        services: Sequence[Service],
        told: Told,
        on_told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._urls = cycle([service.url for service in services])
        self._told = told
        self._on_told = on_told
        self._client = httpx2.AsyncClient(
            timeout=START_SECONDS, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def write(self, *, is_over: Callable[[], bool]) -> None:
        """Hold one conversation after another until it is over."""
        async with self._client:
            for number in count(1):
                if is_over():
                    return
                conversation_id = await self._converse()
                if number % DELETED_ONE_OF == 0:
                    await self._delete(conversation_id)

    async def _converse(self) -> str:
        conversation_id = await self._stream(self._question())
        await self._name(conversation_id)
        for number in range(1, TURNS):
            body = self._question() | {"conversation_id": conversation_id}
            await (self._ask if number % 2 else self._stream)(body)
        return conversation_id

    def _question(self) -> dict[str, Any]:
        spoken = f"{uuid4()} {WORDS}"
        question = f"{spoken} {DELAY}"
        self._told.answers[question] = f"You asked: {spoken}"
        return {"query": question, **ANYWHERE}

    async def _stream(self, body: Mapping[str, Any]) -> str:
        request_id = conversation_id = text = ""
        address = f"{next(self._urls)}/v1/streaming_query"
        async with self._client.stream("POST", address, json=body) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for event in read_frames_async(answer.aiter_text()):
                match event.event:
                    case "start":
                        request_id = event.data["request_id"]
                        conversation_id = event.data["conversation_id"]
                        self._told.started[request_id] = conversation_id
                    case "turn_complete":
                        text = event.data["token"]
                        self._told.ended[request_id] = ("completed", text)
                    case "end":
                        assert event.data["recorded"]
                    case kind:
                        assert kind == "token", event
                self._on_told(event.event)
        await self._rate(conversation_id, str(body["query"]), text)
        return conversation_id

    async def _ask(self, body: Mapping[str, Any]) -> None:
        answer = await self._request("POST", "/v1/query", body)
        assert answer["recorded"]
        self._told.started[answer["request_id"]] = answer["conversation_id"]
        self._told.ended[answer["request_id"]] = ("completed", answer["response"])
        self._on_told("answer")

    async def _rate(self, conversation_id: str, question: str, text: str) -> None:
        feedback = {
            "conversation_id": conversation_id,
            "user_question": question,
            "llm_response": text,
            "sentiment": 1,
        }
        await self._request("POST", "/v1/feedback", feedback)
        self._told.rated.add(question)
        self._on_told("feedback")

    async def _name(self, conversation_id: str) -> None:
        address = f"/v1/conversations/{conversation_id}"
        await self._request("PUT", address, {"topic_summary": NAME})
        self._told.named.add(conversation_id)
        self._on_told("name")

    async def _delete(self, conversation_id: str) -> None:
        self._told.deleting.add(conversation_id)
        answer = await self._request("DELETE", f"/v2/conversations/{conversation_id}")
        assert answer["deleted"]
        self._told.deleted.add(conversation_id)
        self._on_told("deletion")

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer = await self._client.request(method, next(self._urls) + path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()
