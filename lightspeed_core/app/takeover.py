"""Where the original service may have left conversations, as the configuration says."""

import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from lightspeed_core.app.settings import database_settings, settings_of
from lightspeed_core.config.conversations import ConversationCacheType as CacheType
from lightspeed_core.config.database import (
    DatabaseBackend,
    PostgreSQLDatabaseConfiguration,
    SQLiteDatabaseConfiguration,
)
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.sql.original import OtherTable, Prepared
from lightspeed_core.conversations.sql.takeover import Place, Takeover
from lightspeed_core.db.database import Database
from lightspeed_core.db.foreign import ForeignDatabase, address_of
from lightspeed_core.errors import LightspeedError
from lightspeed_core.prompts.sql import takeover as prompts

logger = logging.getLogger(__name__)

# Where the original keeps its conversations when its configuration names no database.
EARLIER_DEFAULT: Final = Path("/tmp/lightspeed-stack.db")  # noqa: S108
_PUBLIC: Final = "public"


def takeover_of(
    configuration: Configuration, database: Database, *, earlier_default: Path = EARLIER_DEFAULT
) -> Takeover:
    """Return what imports conversations into the database, not yet begun."""
    return Takeover(
        database, _places(configuration, earlier_default), others=[saved_prompts_of_original()]
    )


def saved_prompts_of_original() -> OtherTable:
    """Return how prompts that users saved are imported."""
    return OtherTable(
        name=prompts.TABLE,
        columns=prompts.COLUMNS,
        key=prompts.KEY,
        prepare=lambda rows: Prepared(*prompts.prepare(rows)),
    )


async def import_conversations(
    takeover: Takeover | None, on_fatal: Callable[[LightspeedError], None]
) -> None:
    """Import until nothing is left; `on_fatal` is called for what never will be imported."""
    if takeover is None:
        return
    try:
        await takeover.run()
    except LightspeedError as error:
        logger.critical("conversations of an earlier service cannot be imported: %s", error)
        on_fatal(error)


def _places(configuration: Configuration, earlier_default: Path) -> Sequence[Place]:
    store = database_settings(configuration)
    ours = None if store is None else address_of(store)
    places: list[Place] = []
    for backend in _backends(configuration, earlier_default):
        settings = settings_of(backend)
        places.append(
            Place(
                database=ForeignDatabase(settings),
                metadata_schemas=_schemas(backend),
                cache_schemas=_schemas(backend, is_cache=backend is _cache(configuration)),
                is_ours=address_of(settings) == ours,
            )
        )
    return places


def _backends(configuration: Configuration, earlier_default: Path) -> Iterator[DatabaseBackend]:
    database, cache = configuration.database.backend, _cache(configuration)
    if database is not None:
        yield database
    if cache is not None and cache is not database:
        yield cache
    if (cache is database or _is_default(configuration)) and _is_safe(earlier_default):
        yield SQLiteDatabaseConfiguration(db_path=str(earlier_default))


def _cache(configuration: Configuration) -> DatabaseBackend | None:
    cache = configuration.conversation_cache
    match cache.type:
        case CacheType.SQLITE:
            return cache.sqlite
        case CacheType.POSTGRES:
            return cache.postgres
        case _:
            return None


def _is_default(configuration: Configuration) -> bool:
    """Say whether the configuration leaves it to us where conversations are kept."""
    database, directory = configuration.database.sqlite, configuration.data_directory
    if database is None or directory is None:
        return False
    return Path(database.db_path).parent == directory


def _schemas(backend: DatabaseBackend, *, is_cache: bool = False) -> Sequence[str | None]:
    """Return the schemas in which the original kept its tables, the likeliest first.

    Its older releases called the schema otherwise where the configuration names none, and
    kept the cache in the public one whatever it named.
    """
    if not isinstance(backend, PostgreSQLDatabaseConfiguration):
        return (None,)
    is_unsure = is_cache or "namespace" not in backend.model_fields_set
    return tuple(dict.fromkeys([backend.namespace, _PUBLIC] if is_unsure else [backend.namespace]))


def _is_safe(file: Path) -> bool:
    """Say whether a file is there and nobody else can have written it."""
    try:
        found = file.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & others:
        return True
    logger.warning("%s was left alone, for others can write it; move it and name it", file)
    return False
