"""Vector stores in a PostgreSQL database with pgvector: vector, keyword, hybrid search."""

from typing import Any

from llama_stack_api import Api

from lightspeed_stack_providers.pgvector_async.config import PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.impl import PgvectorAsync

__all__ = ["PgvectorAsync", "PgvectorAsyncConfig", "get_adapter_impl"]


async def get_adapter_impl(config: PgvectorAsyncConfig, deps: dict[Api, Any]) -> PgvectorAsync:
    """Build the provider and reach its database; the stack calls it once for each entry."""
    provider = PgvectorAsync(config, deps[Api.inference])
    try:
        await provider.initialize()
    except BaseException:
        await provider.shutdown()
        raise
    return provider
