"""Where quotas are kept, as the configuration says."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.app.stores import choose_stores, opened
from lightspeed_core.config.root import Configuration
from lightspeed_core.quota.memory import MemoryQuotas
from lightspeed_core.quota.models import Limit, Reservation, SubjectKind

LIMITER = {
    "type": "user_limiter",
    "name": "daily",
    "initial_quota": 10,
    "quota_increase": 0,
    "period": "1 day",
}
LIMIT = Limit(limiter="daily", kind=SubjectKind.USER, subject_id="ann", initial_quota=10)

pytestmark = pytest.mark.requirement("quota.database")


def configured(**sections: Any) -> Configuration:
    values = {"name": "n", "service": {}, "llama_stack": {"url": "http://a"}}
    return Configuration.model_validate({**values, "user_data_collection": {}, **sections})


def at(file: Path) -> dict[str, Any]:
    return {"sqlite": {"db_path": str(file)}}


def rows_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM lcs_quota_reservations").fetchall()
    return rows


def rows_by_file(folder: Path) -> dict[str, int]:
    return {file.name: rows_in(file) for file in folder.glob("*.db")}


def test_without_limiters_nothing_is_kept(tmp_path: Path) -> None:
    sections = {"database": at(tmp_path / "a.db"), "quota_handlers": at(tmp_path / "b.db")}
    assert choose_stores(configured(**sections)).quotas is None


def test_without_a_database_they_are_in_memory() -> None:
    stores = choose_stores(configured(quota_handlers={"limiters": [LIMITER]}))
    assert isinstance(stores.quotas, MemoryQuotas)


@pytest.mark.parametrize(("own", "kept"), [(None, "a.db"), ("a.db", "a.db"), ("b.db", "b.db")])
async def test_they_are_in_their_own_database_or_in_that_of_everything_else(
    tmp_path: Path, own: str | None, kept: str
) -> None:
    section: dict[str, Any] = {"limiters": [LIMITER]}
    section |= at(tmp_path / own) if own else {}
    configuration = configured(database=at(tmp_path / "a.db"), quota_handlers=section)
    stores = choose_stores(configuration)
    assert stores.quotas is not None
    async with opened(stores, configuration.quota_handlers.scheduler):
        await stores.quotas.reserve(Reservation(reservation_id="1", limits=(LIMIT,), tokens=1))

    assert rows_by_file(tmp_path) == {"a.db": 0, kept: 1}
