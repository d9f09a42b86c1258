"""The stores of prompts in memory, until the process ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import override
from uuid import uuid4

from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.prompts.identifiers import new_prompt_id
from lightspeed_core.prompts.models import Prompt, PromptText, SavedPrompt
from lightspeed_core.prompts.store import (
    PromptStore,
    SavedPromptStore,
    name_is_taken,
    no_such_prompt,
    not_the_newest,
    too_many_saved,
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Versions:
    contents: list[PromptText]
    default: int = 1

    def get(self, prompt_id: str, version: int) -> Prompt:
        return Prompt(
            prompt_id=prompt_id,
            version=version,
            is_default=version == self.default,
            content=self.contents[version - 1],
        )


class MemoryPrompts(MemoryStore, PromptStore):
    """Implements `PromptStore`."""

    def __init__(self) -> None:
        # In the order in which they came.
        self._prompts: dict[str, _Versions] = {}

    def beside(self) -> "MemoryPrompts":
        """Return another worker on the same memory."""
        other = MemoryPrompts()
        other._prompts = self._prompts
        return other

    @override
    async def create(self, content: PromptText) -> Prompt:
        prompt_id = new_prompt_id()
        versions = self._prompts[prompt_id] = _Versions([content])
        return versions.get(prompt_id, 1)

    @override
    async def revise(
        self, prompt_id: str, content: PromptText, *, current: int, set_as_default: bool
    ) -> Prompt:
        versions = self._get(prompt_id)
        newest = len(versions.contents)
        if newest != current:
            raise not_the_newest(prompt_id, version=current, newest=newest)
        versions.contents.append(content)
        if set_as_default:
            versions.default = newest + 1
        return versions.get(prompt_id, newest + 1)

    @override
    async def get(self, prompt_id: str, version: int | None = None) -> Prompt:
        versions = self._get(prompt_id, version)
        wanted = versions.default if version is None else version
        if not 1 <= wanted <= len(versions.contents):
            raise no_such_prompt(prompt_id, version)
        return versions.get(prompt_id, wanted)

    @override
    async def list(self) -> Sequence[Prompt]:
        return [
            versions.get(prompt_id, versions.default)
            for prompt_id, versions in reversed(self._prompts.items())
        ]

    @override
    async def delete(self, prompt_id: str) -> bool:
        return self._prompts.pop(prompt_id, None) is not None

    def _get(self, prompt_id: str, version: int | None = None) -> _Versions:
        versions = self._prompts.get(prompt_id)
        if versions is None:
            raise no_such_prompt(prompt_id, version)
        return versions


class MemorySavedPrompts(MemoryStore, SavedPromptStore):
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
