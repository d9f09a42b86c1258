"""Both providers of vector stores, for suites that run over each of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from llama_stack_api import Api

from lightspeed_stack_providers import faiss_hybrid, pgvector_async
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores
from tests.support.postgres import DATABASE, USER, Postgres
from tests.unit.providers.faiss_hybrid.parts import WordEmbedder

KINDS = ("faiss_hybrid", "pgvector_async")

type OpenProvider = Callable[..., Awaitable[ShelvedStores]]
"""Opens another provider on the same file or database, as another process would."""


def pgvector_config(postgres: Postgres, namespace: str, **settings: Any) -> dict[str, Any]:
    """Name a schema of the tests' server."""
    return {
        "host": str(postgres.folder),
        "db": DATABASE,
        "user": USER,
        "password": "any",
        "namespace": namespace,
        **settings,
    }


@asynccontextmanager
async def opening(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[OpenProvider]:
    """Give what opens providers; all of them are closed at the end."""
    namespace = f"vectors-{uuid4().hex}"
    async with AsyncExitStack() as stack:

        async def opened(embedder: WordEmbedder | None = None, **settings: Any) -> ShelvedStores:
            inference: Any = embedder or WordEmbedder()
            deps: dict[Api, Any] = {Api.inference: inference}
            provider: ShelvedStores
            if kind == "faiss_hybrid":
                file = faiss_hybrid.FaissHybridConfig(db_path=tmp_path / "k.db", **settings)
                provider = await faiss_hybrid.get_provider_impl(file, deps)
            else:
                server: Postgres = request.getfixturevalue("postgres")
                given = pgvector_config(server, namespace, **settings)
                config = pgvector_async.PgvectorAsyncConfig.model_validate(given)
                provider = await pgvector_async.get_adapter_impl(config, deps)
            stack.push_async_callback(provider.shutdown)
            return provider

        yield opened
