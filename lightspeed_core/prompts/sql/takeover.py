"""What the saved prompts of the original become. It reads no table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import Connection

from lightspeed_core.db.moments import moment_of
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.prompts.models import SavedPrompt
from lightspeed_core.prompts.tables import saved_prompts

TABLE: Final = "saved_prompt"
COLUMNS: Final = frozenset({"id", "user_id", "name", "content", "created_at", "updated_at"})
KEY: Final = ("user_id", "name")
# Prompts whose id is none of ours get the same one however often they are read.
_PROMPTS: Final = UUID("6f2b8f0e-2f7e-4d2c-8c3a-3a3f0b9f5a52")

type Row = Mapping[str, object]


def prepare(
    rows: Sequence[Row],
) -> tuple[Callable[[Connection], object], Sequence[tuple[Sequence[object], str]]]:
    """Return what writes the prompts of these rows, and the keys of those that cannot be read."""
    prompts: list[SavedPrompt] = []
    skipped: list[tuple[Sequence[object], str]] = []
    for row in rows:
        prompt = _prompt(row)
        if prompt is None:
            key = tuple(row.get(each) for each in KEY)
            skipped.append((key, "it has no readable content or time"))
        else:
            prompts.append(prompt)
    return partial(_write, prompts=prompts), skipped


def _prompt(row: Row) -> SavedPrompt | None:
    user_id, name, content = row.get("user_id"), row.get("name"), row.get("content")
    created = moment_of(row.get("created_at"))
    updated = moment_of(row.get("updated_at")) or created
    if created is None or updated is None:
        return None
    if not isinstance(user_id, str) or not isinstance(name, str) or not isinstance(content, str):
        return None
    if "\0" in user_id + name + content:
        return None
    return SavedPrompt(
        prompt_id=_own_id(str(row.get("id"))),
        user_id=user_id,
        name=name,
        content=content,
        created_at=created,
        updated_at=updated,
    )


def _own_id(identifier: str) -> str:
    try:
        return str(UUID(identifier))
    except ValueError:
        return str(uuid5(_PROMPTS, identifier))


def _write(connection: Connection, prompts: Sequence[SavedPrompt]) -> None:
    """Add prompts; of two of one name the one that is there stays."""
    if prompts:
        insert = insert_for(connection.dialect.name, saved_prompts).on_conflict_do_nothing()
        connection.execute(insert, [asdict(prompt) for prompt in prompts])
