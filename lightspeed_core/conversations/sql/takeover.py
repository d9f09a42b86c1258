"""Imports the conversations of the original service once, and deletes them there as well.

Every worker works at it until nothing is left; each conversation is written whole, so nobody sees
half of one.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from lightspeed_core.conversations.sql import original, progress
from lightspeed_core.conversations.takeover import Found, Skipped, Taken, take_over
from lightspeed_core.db.database import Database
from lightspeed_core.db.foreign import ForeignDatabase
from lightspeed_core.domain.identifiers import conversation_id_spellings, normal_conversation_id
from lightspeed_core.errors import NotReady, StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = logging.getLogger(__name__)

_LISTED_AT_ONCE: Final = 1000
_COPIED_AT_ONCE: Final = 200
_IMPORTED_AT_ONCE: Final = 50
_PAUSE_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 5.0
IMPORTING: Final = "Conversations of an earlier service are being imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database in which the original may have left tables.

    They are looked for in `metadata_schemas` and `cache_schemas`, in order; None is wherever the
    database looks by itself. `is_ours` says that our own tables stand in the same database.
    """

    database: ForeignDatabase
    metadata_schemas: original.Schemas = (None,)
    cache_schemas: original.Schemas = (None,)
    is_ours: bool

    @property
    def key(self) -> str:
        """The same text for the same tables."""
        schemas = dict.fromkeys((*self.metadata_schemas, *self.cache_schemas))
        return " ".join([self.database.address, *(each for each in schemas if each)])


class Takeover:
    """One worker's part in the import from all places."""

    def __init__(
        self,
        database: Database,
        places: Sequence[Place],
        *,
        others: Sequence[original.OtherTable] = (),
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._database = database
        self._others = {other.name: other for other in others}
        self._wait_seconds = wait_seconds
        self._places = {place.key: place for place in places}
        self._tables: dict[str, original.Tables] = {}
        self._finished = asyncio.Event()
        self._conversations = self._turns = self._skipped = 0

    @property
    def places(self) -> Sequence[Place]:
        """Where the original may have left tables."""
        return tuple(self._places.values())

    @property
    def is_finished(self) -> bool:
        """Say whether everything that there was is imported."""
        return self._finished.is_set()

    async def wait(self) -> None:
        """Return once everything is imported; raises `NotReady` when that takes longer."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._finished.wait()
        except TimeoutError:
            raise NotReady(IMPORTING, retry_after=_PAUSE_SECONDS) from None

    async def run(self) -> None:
        """Import until nothing is left; what cannot be reached is tried again.

        Raises `ConfigurationError` for a file that is no database.
        """
        while not self.is_finished:
            try:
                await self._import()
            except StoreUnavailable as error:
                logger.warning("import of conversations was held up cause=%s", error.cause)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def remove(self, conversation_id: str) -> Callable[["Connection"], None]:
        """Delete the original's rows of a conversation in other databases than ours.

        Returns what deletes those in ours, for the transaction that deletes our own.
        """
        here: list[original.Tables] = []
        for key, place in self._places.items():
            tables = await self._tables_of(key)
            if place.is_ours:
                here.append(tables)
            elif place.database.is_there and tables.by_name:
                await place.database.run(partial(_remove, [tables], conversation_id))
        return partial(_remove, here, conversation_id)

    async def _import(self) -> None:
        listings = await self._begin()
        for listing in listings:
            await self._list(listing)
        while await self._import_some():
            pass
        if self._conversations or self._skipped:
            logger.info(
                "conversations of an earlier service were imported: "
                "conversations=%d turns=%d skipped=%d",
                self._conversations,
                self._turns,
                self._skipped,
            )
        self._finished.set()

    async def _begin(self) -> Sequence[progress.Listing]:
        """Return the listings that are not finished; a place that is finished is not asked."""
        known = await self._listings()
        for key in self._places:
            seen = [listing for listing in known if listing.place == key]
            if seen and all(listing.is_finished for listing in seen):
                continue
            listed = (await self._tables_of(key)).listed
            if set(listed) - {listing.table for listing in seen}:
                await self._database.writer.call(partial(progress.begin, place=key, tables=listed))
        return [listing for listing in await self._listings() if not listing.is_finished]

    async def _listings(self) -> Sequence[progress.Listing]:
        return await self._database.read(partial(progress.listings, places=list(self._places)))

    async def _tables_of(self, key: str) -> original.Tables:
        """Return the original's tables in a place, as they were when it was asked first."""
        if key in self._tables:
            return self._tables[key]
        place = self._places[key]
        if not place.database.is_there:
            return original.Tables()
        tables = await place.database.run(
            partial(
                original.recognise,
                metadata=place.metadata_schemas,
                cache=place.cache_schemas,
                others=list(self._others.values()),
            )
        )
        self._tables[key] = tables
        return tables

    async def _list(self, begun: progress.Listing) -> None:
        listing: progress.Listing | None = begun
        while listing is not None:
            await self._list_some(listing)
            (listing,) = [
                each if not each.is_finished else None
                for each in await self._listings()
                if (each.place, each.table) == (begun.place, begun.table)
            ]

    async def _list_some(self, listing: progress.Listing) -> None:
        other = self._others.get(listing.table)
        await (self._queue_some(listing) if other is None else self._copy_some(listing, other))

    async def _queue_some(self, listing: progress.Listing) -> None:
        """Queue the conversations of the next keys."""
        keys = await self._ask(
            listing,
            partial(
                original.list_keys,
                name=listing.table,
                after=listing.after,
                limit=_LISTED_AT_ONCE,
            ),
        )
        bad: list[Skipped] = []
        entries = _entries(listing, keys, bad)
        last = keys[-1] if keys else None
        if await self._move(listing, last, partial(progress.enqueue, entries=entries)):
            self._skip(bad)

    async def _copy_some(self, listing: progress.Listing, other: original.OtherTable) -> None:
        """Copy the next rows of a table that is no conversation's."""
        rows = await self._ask(
            listing,
            partial(original.list_rows, other=other, after=listing.after, limit=_COPIED_AT_ONCE),
        )
        last = tuple(str(rows[-1][each]) for each in other.key) if rows else None
        prepared = other.prepare(rows)
        if await self._move(listing, last, prepared.write):
            self._skip([Skipped(other.name, key, why) for key, why in prepared.skipped])

    async def _ask[T](
        self, listing: progress.Listing, work: "Callable[[Connection, original.Tables], T]"
    ) -> T:
        tables = await self._tables_of(listing.place)
        database = self._places[listing.place].database
        return await database.run(lambda connection: work(connection, tables))

    async def _move(
        self,
        listing: progress.Listing,
        last: original.Key | None,
        then: "Callable[[Connection], object]",
    ) -> bool:
        """Note that the listing came to its last key, or to its end; false when others did."""
        unlisted = 0 if last else await self._count_unlisted(listing)
        moved = await self._database.writer.call(
            partial(
                progress.move,
                listing=listing,
                then=then,
                last=last,
                finished_at=None if last else self._database.clock(),
            )
        )
        if moved and unlisted:
            self._skipped += unlisted
            logger.warning(
                "rows of an earlier service have no readable key: table=%s rows=%d",
                listing.table,
                unlisted,
            )
        return moved

    async def _count_unlisted(self, listing: progress.Listing) -> int:
        name = listing.table
        key = original.KEYS[name] if name in original.KEYS else self._others[name].key
        return await self._ask(listing, partial(original.count_unlisted, name=name, key=key))

    async def _import_some(self) -> bool:
        """Import some conversations of the queue; false when it is empty."""
        # Workers begin at different places, so that they seldom read the same.
        entries = await self._database.read(
            partial(progress.queued, limit=_IMPORTED_AT_ONCE, behind=uuid4().hex)
        )
        if not entries:
            return False
        found = await self._read(entries)
        taken: dict[str, Taken] = {}
        for conversation_id, rows in found.items():
            taken[conversation_id] = take_over(conversation_id, rows)
            await asyncio.sleep(0)  # requests are answered in between
        imported = await self._database.writer.call(
            partial(progress.import_all, taken=taken, now=self._database.clock())
        )
        self._conversations += imported.conversations
        self._turns += imported.turns
        for conversation_id in imported.ids:
            self._skip(taken[conversation_id].skipped)
        return True

    async def _read(self, entries: Sequence[progress.Entry]) -> Mapping[str, Found]:
        """Return what all places know of the conversations."""
        wanted = list(dict.fromkeys(entry.conversation_id for entry in entries))
        ids = [each for wish in wanted for each in conversation_id_spellings(wish)]
        found = {each: Found() for each in wanted}
        for key, place in self._places.items():
            tables = await self._tables_of(key)
            pairs = [(e.user_id, e.spelling) for e in entries if e.place == key and e.user_id]
            if not (tables.by_name or pairs):
                continue
            rows = await place.database.run(
                partial(original.read, tables=tables, ids=ids, pairs=pairs)
            )
            for spelling, more in rows.items():
                conversation_id = normal_conversation_id(spelling)
                found[conversation_id] = found[conversation_id] + more
        return found

    def _skip(self, skipped: Sequence[Skipped]) -> None:
        self._skipped += len(skipped)
        for each in skipped:
            logger.warning(
                "row of an earlier service was not imported: table=%s key=%r reason=%s",
                each.table,
                each.key,
                each.reason,
            )


def _remove(
    tables: Sequence[original.Tables], conversation_id: str, connection: "Connection"
) -> None:
    for each in tables:
        original.remove(connection, each, conversation_id_spellings(conversation_id))


def _entries(
    listing: progress.Listing, keys: Sequence[original.Key], bad: list[Skipped]
) -> Sequence[progress.Entry]:
    entries: list[progress.Entry] = []
    for key in keys:
        user_id, spelling = ("", *key)[-2:]
        conversation_id = _normal_id(spelling)
        if conversation_id is None or "\0" in user_id:
            bad.append(Skipped(listing.table, key, "no id of a conversation and a user"))
        else:
            entries.append(progress.Entry(conversation_id, listing.place, user_id, spelling))
    return entries


def _normal_id(spelling: str) -> str | None:
    """Return the id under which we keep what is there under this one, if anybody can ask for it."""
    try:
        conversation_id = normal_conversation_id(spelling)
    except ValueError:
        return None
    return conversation_id if spelling in conversation_id_spellings(conversation_id) else None
