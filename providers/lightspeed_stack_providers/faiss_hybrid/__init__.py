"""Vector stores in one SQLite file that several processes share: vector, keyword, hybrid search."""

from typing import Any

from llama_stack_api import Api

from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.faiss_hybrid.impl import FaissHybrid

__all__ = ["FaissHybrid", "FaissHybridConfig", "get_provider_impl"]


async def get_provider_impl(config: FaissHybridConfig, deps: dict[Api, Any]) -> FaissHybrid:
    """Build the provider and open its file; the stack calls it once for each entry of run.yaml."""
    provider = FaissHybrid(config, deps[Api.inference])
    await provider.initialize()
    return provider
