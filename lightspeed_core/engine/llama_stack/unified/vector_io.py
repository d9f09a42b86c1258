"""Providers of vector stores: from `vector_store.providers` to the parts of run.yaml.

Vectors for `faiss` go to the hybrid store of ours, which any number of processes share, unless a
setting is known to Llama Stack's own alone. For `pgvector` it is the other way round: a database
may hold what Llama Stack's own has put there, so a setting that ours alone knows chooses ours.
"""

from collections.abc import Mapping
from typing import Any, Final

from lightspeed_core.config.vector_store import (
    VectorStoreConfiguration,
    VectorStoreProvider,
    VectorStoreProviderType,
)
from lightspeed_core.errors import ConfigurationError

type Tree = dict[str, Any]

HYBRID_KEYS: Final = frozenset({"db_path", "keyword_language", "mark_queries"})
"""What `faiss_hybrid` can be told."""

HYBRID: Final = "inline::faiss_hybrid"

PGVECTOR_ASYNC_KEYS: Final = frozenset(
    {
        "ssl_mode",
        "ca_cert_path",
        "namespace",
        "table_prefix",
        "pool_size",
        "statement_seconds",
        "hnsw",
        "keyword_language",
        "mark_queries",
    }
)
"""What `pgvector_async` can be told and Llama Stack's own cannot."""

DATA_DIR: Final = "${env.LIGHTSPEED_DATA_DIR:=~/.local/share/lightspeed-stack}"
_HYBRID_MODULE: Final = "lightspeed_stack_providers.faiss_hybrid"
_PGVECTOR_ASYNC_MODULE: Final = "lightspeed_stack_providers.pgvector_async"
_POSTGRES: Final = {
    "host": "${env.POSTGRES_HOST:=127.0.0.1}",
    "port": "${env.POSTGRES_PORT:=5432}",
    "db": "${env.POSTGRES_DB}",
    "user": "${env.POSTGRES_USER}",
    "password": "${env.POSTGRES_PASSWORD}",
}


def vector_io_entry(provider: VectorStoreProvider) -> Tree:
    """Return the provider's entry."""
    if _is_ours_of_postgres(provider):
        return {
            "provider_id": provider.id,
            "provider_type": "remote::pgvector_async",
            "module": _PGVECTOR_ASYNC_MODULE,
            "config": {**_POSTGRES, **provider.config},
        }
    if provider.type is VectorStoreProviderType.PGVECTOR:
        return pgvector_entry(provider.id, provider.config)
    if provider.config.keys() - HYBRID_KEYS:
        return {
            "provider_id": provider.id,
            "provider_type": "inline::faiss",
            "config": dict(provider.config),
        }
    return hybrid_entry(provider.id, f"{DATA_DIR}/{provider.id}.db", provider.config)


def hybrid_entry(provider_id: str, db_path: str, config: Mapping[str, Any] | None = None) -> Tree:
    """Return an entry for the hybrid store of ours over a file."""
    return {
        "provider_id": provider_id,
        "provider_type": HYBRID,
        "module": _HYBRID_MODULE,
        "config": {"db_path": db_path, **(config or {})},
    }


def pgvector_entry(provider_id: str, config: Mapping[str, Any]) -> Tree:
    """Return an entry for pgvector; what `config` leaves out is read from the environment."""
    persistence = {"namespace": f"vector_io::{provider_id}", "backend": _backend(provider_id)}
    return {
        "provider_id": provider_id,
        "provider_type": "remote::pgvector",
        "config": {**_POSTGRES, "persistence": persistence, **config},
    }


def key_value_backend(name: str) -> Tree:
    """Return a database for what a provider knows of its stores."""
    return {"type": "kv_sqlite", "db_path": f"{DATA_DIR}/{name}.db"}


def backends(section: VectorStoreConfiguration) -> Tree:
    """Return the databases that hold what the providers know of their stores, by name."""
    return {
        _backend(provider.id): key_value_backend(_backend(provider.id))
        for provider in section.providers
        if provider.type is VectorStoreProviderType.PGVECTOR
        and not _is_ours_of_postgres(provider)
        and "persistence" not in provider.config
    }


def embedding_models(section: VectorStoreConfiguration) -> list[Tree]:
    """Return the models that the providers name with the length of their vectors."""
    return [
        {
            "model_id": name,
            "provider_id": owner,
            "provider_model_id": name,
            "model_type": "embedding",
            "metadata": {"embedding_dimension": provider.embedding_dimension},
        }
        for index, provider in enumerate(section.providers)
        if provider.embedding_model is not None and provider.embedding_dimension is not None
        for owner, name in [_split(provider.embedding_model, index)]
    ]


def defaults(section: VectorStoreConfiguration) -> Tree:
    """Return what new stores take where they name nothing."""
    found: Tree = {"default_provider_id": section.default_provider}
    for index, provider in enumerate(section.providers):
        if provider.id == section.default_provider and provider.embedding_model is not None:
            owner, name = _split(provider.embedding_model, index)
            found["default_embedding_model"] = {"provider_id": owner, "model_id": name}
    return found


def check_embedding_models(section: VectorStoreConfiguration, owners: set[str]) -> None:
    """Refuse an embedding model of a provider that is not there, with `ConfigurationError`."""
    for index, provider in enumerate(section.providers):
        if provider.embedding_model is None:
            continue
        owner, _ = _split(provider.embedding_model, index)
        if owner not in owners:
            raise ConfigurationError(
                f"vector_store.providers[{index}].embedding_model: '{provider.embedding_model}': "
                f"there is no provider '{owner}' of models; there are {', '.join(sorted(owners))}"
            )


def _is_ours_of_postgres(provider: VectorStoreProvider) -> bool:
    is_pgvector = provider.type is VectorStoreProviderType.PGVECTOR
    return is_pgvector and bool(provider.config.keys() & PGVECTOR_ASYNC_KEYS)


def _split(model: str, index: int) -> tuple[str, str]:
    owner, slash, name = model.partition("/")
    if not (owner and slash and name):
        raise ConfigurationError(
            f"vector_store.providers[{index}].embedding_model: '{model}' must be PROVIDER/MODEL, "
            "such as onnx/all-MiniLM-L6-v2"
        )
    return owner, name


def _backend(provider_id: str) -> str:
    return f"kv_{provider_id}"
