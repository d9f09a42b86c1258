"""A process that reserves tokens and never settles them, to be killed.

Started as `python -m tests.support.quota_holder SETTINGS TOKENS`; it says `reserved` and waits.
"""

import asyncio
import sys

from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.quota.sql import SqlQuotas
from tests.support.assistants import caller
from tests.support.databases import unspell
from tests.support.quotas import Counting


async def hold(settings: str, tokens: int) -> None:
    """Reserve for ann, and hold it until the end of the process."""
    store = SqlQuotas(Database(unspell(settings)))
    await store.open()
    counting = Counting(store=store)
    await counting.quotas.account(caller("ann"), ModelRef.parse("openai/small")).reserve(tokens)
    print("reserved", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], int(sys.argv[2])))
