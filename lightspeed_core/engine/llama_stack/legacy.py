"""The keys of Llama Stack's 0.2 line and where each belongs since 0.7; data, no reading."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

VECTOR_STORES: Final = (
    "belongs in registered_resources.vector_stores (vector_db_id is vector_store_id now)"
)
TOOL_GROUPS: Final = "drop it; tool groups follow from providers.tool_runtime"
IMAGE_NAME: Final = "is distro_name now"
STORAGE_MISSING: Final = (
    "missing, so databases would land in ~/.llama; name backends, for example "
    "{kv_default: {type: kv_sqlite, db_path: ...}, sql_default: {type: sql_sqlite, db_path: ...}}"
)
STORAGE_OF_LEGACY: Final = "missing; it replaces metadata_store and inference_store"

TOP_LEVEL_PLACES: Final[Mapping[str, str]] = {
    "models": "belongs in registered_resources.models",
    "shields": "belongs in registered_resources.shields",
    "vector_dbs": VECTOR_STORES,
    "datasets": "belongs in registered_resources.datasets",
    "scoring_fns": "belongs in registered_resources.scoring_fns",
    "benchmarks": "belongs in registered_resources.benchmarks",
    "tool_groups": TOOL_GROUPS,
    "metadata_store": (
        "belongs in storage: a database in storage.backends (type kv_sqlite, kv_postgres, "
        "kv_redis), and storage.stores.metadata: {namespace: registry, backend: <its name>}"
    ),
    "inference_store": (
        "belongs in storage: a database in storage.backends (type sql_sqlite, sql_postgres), and "
        "storage.stores.inference: {table_name: inference_store, backend: <its name>}"
    ),
    "conversations_store": (
        "belongs in storage: storage.stores.conversations: "
        "{table_name: openai_conversations, backend: <its name>}"
    ),
    "routing_table": "is gone; name providers in providers.<api>",
    "api_providers": "is gone; name providers in providers.<api>",
    "provider_map": "is gone; name providers in providers.<api>",
    "apis_to_serve": "is apis now",
}
TOP_LEVEL: Final = frozenset(TOP_LEVEL_PLACES)

APIS: Final[Mapping[str, str]] = {
    "agents": (
        "is gone; drop it, this service keeps turns and conversations itself "
        "(inline::meta-reference is inline::builtin of the API responses)"
    ),
    "telemetry": "is gone; drop it and set the OTEL_* environment variables instead",
    "post_training": "is gone; drop it",
    "vector_dbs": "is vector_io now",
}

_PROVIDER_TYPES: Final[Mapping[str, str]] = {
    "inline::rag-runtime": "is inline::file-search now",
    "inline::meta-reference": "is gone; inline::builtin of the API responses replaces it",
}
_CONFIG_KEYS: Final[Mapping[str, str]] = {
    "kvstore": "is persistence: {namespace: ..., backend: <name in storage.backends>} now",
    "persistence_store": "is persistence.agent_state: {namespace: ..., backend: ...} now",
    "responses_store": "is persistence.responses: {table_name: ..., backend: ...} now",
}
_BASE_URL_TYPES: Final = frozenset({"remote::openai", "remote::vllm", "remote::ollama"})


def provider_problems(provider_type: str, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what a provider's entry keeps of the 0.2 line, as key below the entry and advice."""
    if provider_type in _PROVIDER_TYPES:
        yield "provider_type", f"'{provider_type}' {_PROVIDER_TYPES[provider_type]}"
    for key in config:
        if key in _CONFIG_KEYS:
            yield f"config.{key}", _CONFIG_KEYS[key]
        elif key == "url" and provider_type in _BASE_URL_TYPES:
            yield "config.url", "is base_url now; as url it is ignored"
    store = config.get("metadata_store")
    if isinstance(store, dict) and "backend" not in store:
        yield (
            "config.metadata_store",
            "is {table_name: ..., backend: <name in storage.backends>} now",
        )
