"""Users' prompts over a `Database`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final, override
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, func, select

from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.errors import LightspeedError
from lightspeed_core.prompts.models import SavedPrompt
from lightspeed_core.prompts.store import SavedPromptStore, name_is_taken, too_many_saved
from lightspeed_core.prompts.tables import saved_prompt_owners, saved_prompts

_PROMPT: Final = select(saved_prompts).where(saved_prompts.c.prompt_id == bindparam("id"))
_HOLDER_OF_NAME: Final = select(saved_prompts.c.prompt_id).where(
    saved_prompts.c.user_id == bindparam("user"), saved_prompts.c.name == bindparam("taken")
)


class SqlSavedPrompts(DatabaseStore, SavedPromptStore):
    """Implements `SavedPromptStore` over a database that other stores may share."""

    @override
    async def add(self, user_id: str, name: str, content: str, *, most: int) -> SavedPrompt:
        now = self._database.clock()
        prompt = SavedPrompt(
            prompt_id=str(uuid4()),
            user_id=user_id,
            name=name,
            content=content,
            created_at=now,
            updated_at=now,
        )
        refusal = await self._database.writer.call(
            lambda connection: self._add(connection, prompt, most)
        )
        if refusal is not None:
            raise refusal
        return prompt

    @override
    async def find(self, prompt_id: str) -> SavedPrompt | None:
        def look(connection: Connection) -> SavedPrompt | None:
            row = connection.execute(_PROMPT, {"id": prompt_id}).mappings().one_or_none()
            return None if row is None else SavedPrompt(**row)

        return await self._database.read(look)

    @override
    async def list(self, user_id: str, *, limit: int) -> Sequence[SavedPrompt]:
        query = (
            select(saved_prompts)
            .where(saved_prompts.c.user_id == user_id)
            .order_by(saved_prompts.c.created_at.desc(), saved_prompts.c.prompt_id.desc())
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [SavedPrompt(**row) for row in connection.execute(query).mappings()]
        )

    @override
    async def delete(self, prompt_id: str) -> bool:
        return await self._database.writer.call(lambda connection: _remove(connection, prompt_id))

    def _add(
        self, connection: Connection, prompt: SavedPrompt, most: int
    ) -> LightspeedError | None:
        """Add a prompt or return why not; raised here, it would undo the writes of others.

        A write whose commit went unheard comes again, and finds its own row.
        """
        self._lock(connection, prompt.user_id)
        others = select(func.count()).where(
            saved_prompts.c.user_id == prompt.user_id,
            saved_prompts.c.prompt_id != prompt.prompt_id,
        )
        existing = connection.execute(others).scalar_one()
        if existing >= most:
            return too_many_saved(existing, most)
        insert = insert_for(self._database.dialect, saved_prompts).on_conflict_do_nothing()
        connection.execute(insert, asdict(prompt))
        holder = connection.scalar(_HOLDER_OF_NAME, {"user": prompt.user_id, "taken": prompt.name})
        return None if holder == prompt.prompt_id else name_is_taken(prompt.name)

    def _lock(self, connection: Connection, user_id: str) -> None:
        lock = insert_for(self._database.dialect, saved_prompt_owners).values(user_id=user_id)
        again = {"user_id": lock.excluded.user_id}
        connection.execute(
            lock.on_conflict_do_update(index_elements=["user_id"], set_=again),
        )


def _remove(connection: Connection, prompt_id: str) -> bool:
    owner = connection.scalar(
        delete(saved_prompts)
        .where(saved_prompts.c.prompt_id == prompt_id)
        .returning(saved_prompts.c.user_id)
    )
    if owner is None:
        return False
    # Who has no prompt any more leaves no trace.
    remaining = select(saved_prompts.c.prompt_id).where(saved_prompts.c.user_id == owner)
    connection.execute(
        delete(saved_prompt_owners).where(
            saved_prompt_owners.c.user_id == owner, ~remaining.exists()
        )
    )
    return True
