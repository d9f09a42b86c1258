"""A process that imports the original's conversations of one database.

Run as `python -m tests.support.importer DATABASE`; the database is what
`tests.support.databases.spell` returned.
"""

import asyncio
import sys

from lightspeed_core.conversations.sql.takeover import Place, Takeover
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.foreign import ForeignDatabase
from lightspeed_core.db.postgres import PostgresSettings
from tests.support.databases import unspell


def place_of(settings: DatabaseSettings, *, is_ours: bool = True) -> Place:
    """Return where the original's tables are when ours are to stand beside them."""
    schemas = (settings.namespace if isinstance(settings, PostgresSettings) else None,)
    return Place(
        database=ForeignDatabase(settings),
        metadata_schemas=schemas,
        cache_schemas=schemas,
        is_ours=is_ours,
    )


async def main(settings: DatabaseSettings) -> None:
    async with Database(settings) as database:
        await Takeover(database, [place_of(settings)]).run()


if __name__ == "__main__":
    asyncio.run(main(unspell(sys.argv[1])))
