"""What the parts are told of the vector stores that the configuration describes."""

import logging
from collections.abc import Collection, Iterator
from typing import Any

from lightspeed_core.assistant.sources import Sources, SourceSettings, StoreSettings
from lightspeed_core.config.rag import ByokRag, ByokStore
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.llama_stack.settings import OwnStore, OwnStores
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import LightspeedError

logger = logging.getLogger(__name__)


def own_stores(configuration: Configuration) -> OwnStores:
    """Say which stores join those of run.yaml."""
    older = (
        _own_store(store, f"byok_rag[{index}]")
        for index, store in enumerate(configuration.byok_rag)
    )
    newer = (
        _own_store(store, f"rag.byok.stores[{index}]", _postgres(store))
        for index, store in enumerate(configuration.rag.byok.stores)
    )
    return OwnStores(stores=(*older, *newer), folders=dict(configuration.rag.embedding_folders))


def source_settings(configuration: Configuration) -> SourceSettings:
    """Say under which names stores are known, who may read them, and where each is searched."""
    rag = configuration.rag
    return SourceSettings(
        byok=tuple(_weights(configuration)),
        access={name: frozenset(roles) for name, roles in rag.access.items()},
        inline=rag.retrieval.inline.sources,
        tool=rag.retrieval.tool.sources,
        byok_chunks=rag.byok.max_chunks,
        tool_chunks=rag.retrieval.tool.max_chunks,
    )


async def warn_of_unknown_stores(
    engine: Engine, settings: SourceSettings, made_later: Collection[str]
) -> None:
    """Name what `rag.access` closes and nobody has: the store that was meant may stand open."""
    if not settings.access:
        return
    try:
        listed = await Sources(engine, settings).unknown_names()
    except LightspeedError as error:
        logger.warning("rag.access was not compared with the stores: %s", error)
        return
    if unknown := [name for name in listed if name not in made_later]:
        logger.warning(
            "rag.access names %s, and no store is listed under that name; if another one is "
            "meant, it is open to everybody",
            ", ".join(unknown),
        )


def _weights(configuration: Configuration) -> Iterator[StoreSettings]:
    for store in configuration.byok_rag:
        yield StoreSettings(name=store.rag_id, store_id=store.vector_db_id)
    for store in configuration.rag.byok.stores:
        yield StoreSettings(
            name=store.rag_id,
            store_id=store.vector_db_id,
            multiplier=store.score_multiplier,
            cutoff=store.relevance_cutoff_score,
        )


def _own_store(
    store: ByokRag | ByokStore, place: str, postgres: dict[str, Any] | None = None
) -> OwnStore:
    return OwnStore(
        place=place,
        name=store.rag_id,
        store_id=store.vector_db_id,
        backend=store.backend,
        embedding_model=store.embedding_model,
        embedding_dimension=store.embedding_dimension,
        db_path=store.db_path,
        postgres=postgres or {},
    )


def _postgres(store: ByokStore) -> dict[str, Any]:
    password = store.password
    return {
        "host": store.host,
        "port": store.port,
        "db": store.db,
        "user": store.user,
        "password": None if password is None else password.get_secret_value(),
    }
