"""What a provider of vector stores can be told."""

from typing import Any

import pytest

from lightspeed_core.config.vector_store import VectorStoreConfiguration, VectorStoreProvider
from lightspeed_core.engine.llama_stack.unified.vector_io import (
    HYBRID_KEYS,
    PGVECTOR_ASYNC_KEYS,
    backends,
    vector_io_entry,
)
from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.pgvector_async import PgvectorAsyncConfig


def test_the_hybrid_store_takes_the_keys_that_are_given_to_it() -> None:
    assert set(FaissHybridConfig.model_fields) == HYBRID_KEYS


def test_what_chooses_our_store_in_postgres_is_known_to_it_alone() -> None:
    shared = {"host", "port", "db", "user", "password"}
    assert set(PgvectorAsyncConfig.model_fields) - shared == PGVECTOR_ASYNC_KEYS


@pytest.mark.parametrize(
    ("config", "provider_type", "own_backends"),
    [
        ({"db": "d"}, "remote::pgvector", 1),
        ({"db": "d", "distance_metric": "L2"}, "remote::pgvector", 1),
        ({"db": "d", "namespace": "vectors"}, "remote::pgvector_async", 0),
        ({"hnsw": {"m": 8}}, "remote::pgvector_async", 0),
    ],
)
def test_a_setting_that_ours_alone_knows_chooses_ours(
    config: dict[str, Any], provider_type: str, own_backends: int
) -> None:
    described = {"type": "pgvector", "id": "pg", "config": config}
    provider = VectorStoreProvider.model_validate(described)
    entry = vector_io_entry(provider)
    assert entry["provider_type"] == provider_type
    assert entry["config"]["user"] == "${env.POSTGRES_USER}"
    section = VectorStoreConfiguration.model_validate(
        {"default_provider": "pg", "providers": [described]}
    )
    assert len(backends(section)) == own_backends
    if provider_type == "remote::pgvector_async":
        PgvectorAsyncConfig.model_validate({**entry["config"], "port": 5432})
