"""Users who each have a word of their own, use the whole service at once and read every answer.

An answer that holds the word of another user is a leak.
"""

import random
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx2

from tests.support.service import START_SECONDS, Service
from tests.support.streams import read_frames_async

WORD = re.compile(r"canary[0-9a-f]{32}")
ANYWHERE: Mapping[str, Any] = {"vector_store_ids": []}


def new_word() -> str:
    """Return a word that nobody else says."""
    return f"canary{uuid4().hex}"


class Interleaved:
    """One user; `leaks` gets every answer that holds a word of somebody else."""

    def __init__(
        self, service: Service, name: str, leaks: list[str], headers: Mapping[str, str]
    ) -> None:
        self.name = name
        self.word = new_word()
        self.answers = 0
        self._leaks = leaks
        self._client = httpx2.AsyncClient(
            base_url=service.url,
            headers=dict(headers),
            timeout=START_SECONDS,
            # Each request may reach another worker.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
        self._random = random.Random(name)
        self._conversation_id = ""
        self._request_id = ""

    async def live(self, *, is_over: Callable[[], bool]) -> None:
        """Ask, stream, resume, list, read, name, rate and infer in any order until it is over."""
        deeds = (
            self._stream,
            self._ask,
            self._infer,
            self._resume,
            self._list,
            self._read,
            self._rename,
            self._rate,
            self._save_prompt,
        )
        async with self._client:
            await self._stream()
            while not is_over():
                await self._random.choice(deeds)()
            await self._list()

    def _question(self) -> dict[str, Any]:
        """Ask in the conversation, or in a new one now and then."""
        body = {"query": f"My word is {self.word}", **ANYWHERE}
        is_new = not self._conversation_id or self._random.random() < 0.2
        return body if is_new else body | {"conversation_id": self._conversation_id}

    def _heard(self, text: str, *, expects_word: bool) -> None:
        words = set(WORD.findall(text))
        if words - {self.word}:
            self._leaks.append(f"{self.name}: {text}")
        assert self.word in words or not expects_word, text
        self.answers += 1

    async def _stream(self) -> None:
        text = ""
        async with self._client.stream(
            "POST", "/v1/streaming_query", json=self._question()
        ) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for event in read_frames_async(answer.aiter_text()):
                text += str(event.whole)
                if event.event == "start":
                    self._request_id = event.data["request_id"]
                    self._conversation_id = event.data["conversation_id"]
        # Words come as tokens of their own, so joined they are looked for in `turn_complete`.
        self._heard(text, expects_word=True)

    async def _resume(self) -> None:
        await self._get(f"/v1/streaming_query/{self._request_id}", expects_word=True)

    async def _ask(self) -> None:
        answer = await self._send("POST", "/v1/query", self._question())
        self._conversation_id = answer["conversation_id"]

    async def _infer(self) -> None:
        await self._send("POST", "/v1/infer", {"question": f"Say {self.word}"})

    async def _list(self) -> None:
        await self._get(self._random.choice(("/v1/conversations", "/v2/conversations")))

    async def _read(self) -> None:
        version = self._random.choice(("v1", "v2"))
        path = f"/{version}/conversations/{self._conversation_id}"
        await self._get(path, expects_word=True)

    async def _rename(self) -> None:
        path = f"/v1/conversations/{self._conversation_id}"
        await self._send("PUT", path, {"topic_summary": self.word}, expects_word=False)

    async def _rate(self) -> None:
        feedback = {
            "conversation_id": self._conversation_id,
            "user_question": self.word,
            "llm_response": self.word,
            "user_feedback": self.word,
            "sentiment": 1,
        }
        await self._send("POST", "/v1/feedback", feedback, expects_word=False)

    async def _save_prompt(self) -> None:
        name = f"{self.word} {self._random.randrange(10)}"
        answer = await self._client.post(
            "/v1/saved-prompts", json={"name": name, "content": self.word}
        )
        assert answer.status_code in (201, 409), answer.text
        self._heard(answer.text, expects_word=True)
        await self._get("/v1/saved-prompts", expects_word=True)

    async def _get(self, path: str, *, expects_word: bool = False) -> None:
        answer = await self._client.get(path)
        assert answer.status_code == 200, answer.text
        self._heard(answer.text, expects_word=expects_word)

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any], *, expects_word: bool = True
    ) -> dict[str, Any]:
        answer = await self._client.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        self._heard(answer.text, expects_word=expects_word)
        return answer.json()
