"""A process that cuts one document otherwise again and again; prints the cut after each commit.

Run as `python -m tests.support.recutting KIND CONFIG`, where CONFIG is the provider's as JSON.
"""

import asyncio
import itertools
import json
import sys
from typing import Any

from llama_stack_api import Api

from lightspeed_stack_providers import faiss_hybrid, pgvector_async
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores
from tests.unit.providers.faiss_hybrid.parts import WordEmbedder, cut_into, insert, store

CUTS = (40, 60, 120)
TOTAL = 120


async def open_kind(kind: str, config: dict[str, Any]) -> ShelvedStores:
    """Open a provider by its kind and configuration."""
    inference: Any = WordEmbedder()
    deps: dict[Api, Any] = {Api.inference: inference}
    if kind == "faiss_hybrid":
        file = faiss_hybrid.FaissHybridConfig.model_validate(config)
        return await faiss_hybrid.get_provider_impl(file, deps)
    database = pgvector_async.PgvectorAsyncConfig.model_validate(config)
    return await pgvector_async.get_adapter_impl(database, deps)


async def main(kind: str, config: dict[str, Any]) -> None:
    """Cut without end."""
    provider = await open_kind(kind, config)
    await provider.register_vector_store(store())
    for cut in itertools.cycle(CUTS):
        await insert(provider, *cut_into(cut, total=TOTAL))
        print(cut, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
