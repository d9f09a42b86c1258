from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database


@pytest.fixture
def settings(tmp_path: Path) -> SqliteSettings:
    return SqliteSettings(path=tmp_path / "store.db")


@pytest.fixture
async def database(settings: SqliteSettings) -> AsyncIterator[Database]:
    async with Database(settings) as database:
        yield database
