"""The stores of prompts in memory, until the process ends."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import override
from uuid import uuid4

from lightspeed_core.prompts.models import SavedPrompt
from lightspeed_core.prompts.store import SavedPromptStore, name_is_taken, too_many_saved


def _now() -> datetime:
    return datetime.now(UTC)


class MemorySavedPrompts(SavedPromptStore):
    """Implements `SavedPromptStore`."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        # In the order in which they came.
        self._prompts: dict[str, SavedPrompt] = {}

    def beside(self) -> "MemorySavedPrompts":
        """Return another worker on the same memory."""
        other = MemorySavedPrompts(self._clock)
        other._prompts = self._prompts
        return other

    @override
    async def open(self) -> None:
        pass

    @override
    async def close(self) -> None:
        pass

    @override
    async def add(self, user_id: str, name: str, content: str, *, most: int) -> SavedPrompt:
        existing = self._of(user_id)
        if len(existing) >= most:
            raise too_many_saved(len(existing), most)
        if any(prompt.name == name for prompt in existing):
            raise name_is_taken(name)
        now = self._clock()
        prompt = SavedPrompt(
            prompt_id=str(uuid4()),
            user_id=user_id,
            name=name,
            content=content,
            created_at=now,
            updated_at=now,
        )
        self._prompts[prompt.prompt_id] = prompt
        return prompt

    @override
    async def find(self, prompt_id: str) -> SavedPrompt | None:
        return self._prompts.get(prompt_id)

    @override
    async def list(self, user_id: str, *, limit: int) -> Sequence[SavedPrompt]:
        newest_first = self._of(user_id)[::-1]
        return newest_first[:limit]

    @override
    async def delete(self, prompt_id: str) -> bool:
        return self._prompts.pop(prompt_id, None) is not None

    def _of(self, user_id: str) -> Sequence[SavedPrompt]:
        return [prompt for prompt in self._prompts.values() if prompt.user_id == user_id]
