"""A conversation store in memory in which one call waits or fails, as long as a test says so."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import override

from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.models import (
    Conversation,
    ExpiredTurn,
    JournalBatch,
    LeaseSigns,
)
from lightspeed_core.domain.turn import Turn


class FaultyStore(MemoryConversationStore):
    """`hold` makes a call wait for the event that it returns, `fail` makes it raise."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self._faulty = ""
        self._gate: asyncio.Event | None = None
        self._error: Exception | None = None

    def hold(self, call: str) -> asyncio.Event:
        self.heal()
        self._faulty, self._gate = call, asyncio.Event()
        return self._gate

    def fail(self, call: str, error: Exception) -> None:
        self.heal()
        self._faulty, self._error = call, error

    def heal(self) -> None:
        self._faulty, self._gate, self._error = "", None, None
        self.reached.clear()

    async def _meet(self, call: str) -> None:
        if call != self._faulty:
            return
        self.reached.set()
        if self._gate is not None:
            await self._gate.wait()
        if self._error is not None:
            raise self._error

    @override
    async def find(self, conversation_id: str) -> Conversation | None:
        await self._meet("find")
        return await super().find(conversation_id)

    @override
    async def begin(self, turn: Turn) -> None:
        await self._meet("begin")
        await super().begin(turn)

    @override
    async def wait_for_predecessors(self, turn: Turn) -> None:
        await self._meet("wait_for_predecessors")
        await super().wait_for_predecessors(turn)

    @override
    async def history(self, conversation_id: str, *, limit: int | None = None) -> list[Turn]:
        await self._meet("history")
        return await super().history(conversation_id, limit=limit)

    @override
    async def finish(self, turn: Turn, last_batch: JournalBatch | None) -> None:
        await self._meet("finish")
        await super().finish(turn, last_batch)

    @override
    async def rename(
        self, conversation_id: str, topic_summary: str, *, only_unnamed: bool = False
    ) -> bool:
        await self._meet("rename")
        return await super().rename(conversation_id, topic_summary, only_unnamed=only_unnamed)

    @override
    async def renew_leases(self, turn_ids: Sequence[str]) -> LeaseSigns:
        await self._meet("renew_leases")
        return await super().renew_leases(turn_ids)

    @override
    async def claim_expired(self) -> list[ExpiredTurn]:
        await self._meet("claim_expired")
        return await super().claim_expired()

    @override
    async def purge_journal(self, older_than: timedelta) -> None:
        await self._meet("purge_journal")
        await super().purge_journal(older_than)
