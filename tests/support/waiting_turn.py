"""A process that asks what needs its user's leave, and then waits to be killed.

Started as `python -m tests.support.waiting_turn DATABASE`; the database is what
`tests.support.databases.spell` returned. It prints the waiting turn's id, once that is certain.
"""

import asyncio
import sys

from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from tests.support.assistants import caller, wired_assistant
from tests.support.databases import unspell
from tests.support.scripted_engine import ScriptedEngine, calls
from tests.support.scripted_tools import HEAT, ScriptedTools, a_call, as_models_say

SECRET = "Bearer a-secret-of-the-asker"
TEXT = "Let me see. "
WISHES = as_models_say(a_call(1), a_call(2, HEAT))
ASKING = TurnRequest(
    query="Heat room 2",
    generate_topic_summary=False,
    mcp_headers={"home": {"Authorization": SECRET}},
)


async def main(settings: DatabaseSettings) -> None:
    """Ask, and stay when the answer waits."""
    engine = ScriptedEngine().will(calls(*WISHES, text=TEXT))
    async with (
        SqlConversationStore(Database(settings), is_shared=True) as store,
        wired_assistant(engine, store, tools=ScriptedTools()) as wired,
    ):
        turn = await outcome_of(await wired.assistant.start(ASKING, caller()))
        print(turn.turn_id, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(unspell(sys.argv[1])))
