"""What stores over a database have in common; knows none of them."""

from lightspeed_core.db.database import Database


class DatabaseStore:
    """A store over a database that others may share; it is open as long as one of them is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Open the database, unless another store has."""
        await self._database.open()

    async def close(self) -> None:
        """Close the database, unless another store still uses it."""
        await self._database.close()
