"""Prompts in versions over a `Database`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, override

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, insert, select, update

from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.errors import LightspeedError
from lightspeed_core.prompts.identifiers import new_prompt_id
from lightspeed_core.prompts.models import Prompt, PromptText
from lightspeed_core.prompts.store import PromptStore, no_such_prompt, not_the_newest
from lightspeed_core.prompts.tables import prompt_versions, prompts

_FIRST: Final = 1
_VERSIONS: Final = select(
    prompt_versions.c.prompt_id,
    prompt_versions.c.version,
    (prompt_versions.c.version == prompts.c.default_version).label("is_default"),
    prompt_versions.c.text,
    prompt_versions.c.variables,
)
_ALL: Final = _VERSIONS.join_from(prompts, prompt_versions)
_DEFAULTS: Final = _VERSIONS.join_from(
    prompts,
    prompt_versions,
    and_(
        prompt_versions.c.prompt_id == prompts.c.prompt_id,
        prompt_versions.c.version == prompts.c.default_version,
    ),
)
_NEWEST: Final = select(prompts.c.newest_version).where(prompts.c.prompt_id == bindparam("id"))


class SqlPrompts(DatabaseStore, PromptStore):
    """Implements `PromptStore` over a database that other stores may share."""

    @override
    async def create(self, content: PromptText) -> Prompt:
        now = self._database.clock()
        prompt = Prompt(prompt_id=new_prompt_id(), version=_FIRST, is_default=True, content=content)
        await self._database.writer.call(lambda connection: self._insert(connection, prompt, now))
        return prompt

    @override
    async def revise(
        self, prompt_id: str, content: PromptText, *, current: int, set_as_default: bool
    ) -> Prompt:
        now = self._database.clock()
        prompt = Prompt(
            prompt_id=prompt_id, version=current + 1, is_default=set_as_default, content=content
        )
        refusal = await self._database.writer.call(
            lambda connection: _revise(connection, prompt, now)
        )
        if refusal is not None:
            raise refusal
        return prompt

    @override
    async def get(self, prompt_id: str, version: int | None = None) -> Prompt:
        query = _DEFAULTS if version is None else _ALL.where(prompt_versions.c.version == version)
        query = query.where(prompts.c.prompt_id == prompt_id)
        row = await self._database.read(
            lambda connection: connection.execute(query).mappings().one_or_none()
        )
        if row is None:
            raise no_such_prompt(prompt_id, version)
        return _prompt(row)

    @override
    async def list(self) -> Sequence[Prompt]:
        query = _DEFAULTS.order_by(prompts.c.created_at.desc(), prompts.c.prompt_id.desc())
        return await self._database.read(
            lambda connection: [_prompt(row) for row in connection.execute(query).mappings()]
        )

    @override
    async def delete(self, prompt_id: str) -> bool:
        deletion = delete(prompts).where(prompts.c.prompt_id == prompt_id)
        return await self._database.writer.call(
            lambda connection: connection.execute(deletion).rowcount > 0
        )

    def _insert(self, connection: Connection, prompt: Prompt, now: datetime) -> None:
        """Insert a new prompt; a write whose commit went unheard comes again, to no effect."""
        row = {
            "prompt_id": prompt.prompt_id,
            "newest_version": _FIRST,
            "default_version": _FIRST,
            "created_at": now,
        }
        for table, values in ((prompts, row), (prompt_versions, _version_row(prompt, now))):
            new = insert_for(self._database.dialect, table).on_conflict_do_nothing()
            connection.execute(new, values)


def _revise(connection: Connection, prompt: Prompt, now: datetime) -> LightspeedError | None:
    """Add a version or return why not; raised here, it would undo the writes of others."""
    based_on = prompt.version - 1
    changes: dict[str, Any] = {"newest_version": prompt.version}
    if prompt.is_default:
        changes["default_version"] = prompt.version
    advance = update(prompts).where(
        prompts.c.prompt_id == prompt.prompt_id, prompts.c.newest_version == based_on
    )
    if connection.execute(advance.values(changes)).rowcount:
        connection.execute(insert(prompt_versions), _version_row(prompt, now))
        return None
    newest = connection.scalar(_NEWEST, {"id": prompt.prompt_id})
    if newest is None:
        return no_such_prompt(prompt.prompt_id)
    return not_the_newest(prompt.prompt_id, version=based_on, newest=newest)


def _version_row(prompt: Prompt, now: datetime) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id,
        "version": prompt.version,
        "text": prompt.content.text,
        "variables": json.dumps(prompt.content.variables),
        "created_at": now,
    }


def _prompt(row: RowMapping) -> Prompt:
    content = PromptText(text=row["text"], variables=tuple(json.loads(row["variables"])))
    return Prompt(
        prompt_id=row["prompt_id"],
        version=row["version"],
        is_default=row["is_default"],
        content=content,
    )
