"""A process that writes turns without end; prints the id of each turn once it is committed.

Run as `python -m tests.support.conversation_writer DATABASE WRITERS`; the database is what
`tests.support.databases.spell` returned.
"""

import asyncio
import sys
from dataclasses import replace
from itertools import count

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import TurnState
from tests.support.databases import a_turn, unspell

BATCHES = 3


async def write_turns(store: SqlConversationStore) -> None:
    conversation_id = None
    for number in count():
        turn = a_turn(conversation_id, question=f"question {number}")
        if conversation_id is None:
            store.begin_new(turn)
            conversation_id = turn.conversation_id
        else:
            await store.begin(turn)
        for index in range(BATCHES):
            payload = f"{turn.turn_id} {index}".encode() * 20
            store.append_journal(JournalBatch(turn_id=turn.turn_id, index=index, payload=payload))
            await asyncio.sleep(0.002)
        answer = replace(turn, state=TurnState.COMPLETED, text="word " * 100)
        await store.finish(answer, None)
        print(turn.turn_id, flush=True)


async def main(settings: DatabaseSettings, writers: int) -> None:
    store = SqlConversationStore(Database(settings))
    async with store, asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(write_turns(store))


if __name__ == "__main__":
    asyncio.run(main(unspell(sys.argv[1]), int(sys.argv[2])))
