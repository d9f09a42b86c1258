"""Holds the vector stores of run.yaml against their embedding models, and against what is stored.

Vectors of another model or another length cannot be compared: a search would fail.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.db.untouched import CannotRead, read_untouched
from lightspeed_core.engine.llama_stack.run_config import RunConfig, expand

_HYBRID: Final = "inline::faiss_hybrid"
_STORED: Final = "SELECT store_id, embedding_model, embedding_dimension FROM stores"

type Json = Mapping[str, Any]


def check_embeddings(run_config: RunConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check every registered vector store whose provider is on."""
    resources: Json = run_config.content.get("registered_resources") or {}
    dimensions = _dimensions(resources.get("models") or ())
    stored = _stored(run_config, environ)
    enabled = run_config.provider_ids(environ)
    for store in resources.get("vector_stores") or ():
        if store.get("provider_id") in {None, *enabled}:
            where = f"{run_config.path}: vector store {store['vector_store_id']}"
            yield _judge(store, dimensions, stored, where)


def _judge(
    store: Json, dimensions: Mapping[str, int | None], stored: Mapping[str, Any], where: str
) -> Finding:
    name, model = store["vector_store_id"], str(store.get("embedding_model"))
    dimension = store.get("embedding_dimension")
    if model not in dimensions:
        known = ", ".join(dimensions) or "none"
        return fatal(
            f"vector store {name} wants the embedding model {model}, which is not registered; "
            f"registered are {known}",
            where=where,
            remedy="register the model in registered_resources.models, as provider_id/model_id",
        )
    if dimensions[model] not in {None, dimension}:
        return fatal(
            f"vector store {name} has dimension {dimension}, and its embedding model {model} "
            f"gives {dimensions[model]}",
            where=where,
            remedy=f"set embedding_dimension to {dimensions[model]}, or name another model",
        )
    if name in stored and stored[name] != (model, dimension):
        old_model, old_dimension = stored[name]
        goes_on = dimensions.get(old_model) == old_dimension
        return (warning if goes_on else fatal)(
            f"vector store {name} holds vectors of {old_model} with dimension {old_dimension}, "
            f"and is configured for {model} with {dimension}; "
            + ("it goes on with the former" if goes_on else "the former is not registered"),
            where=where,
            remedy=f"embed it anew with `lightspeed-stack reindex {name}`",
        )
    return fine(f"vector store {name} fits its embedding model {model}", where=where)


def _dimensions(models: Sequence[Json]) -> dict[str, int | None]:
    """Give the embedding models by identifier with the length of their vectors."""
    found: dict[str, int | None] = {}
    for model in models:
        if model.get("model_type") == "embedding":
            metadata: Json = model.get("metadata") or {}
            dimension = metadata.get("embedding_dimension")
            found[f"{model.get('provider_id')}/{model['model_id']}"] = dimension
    return found


def _stored(run_config: RunConfig, environ: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Read with which models the stores that exist were filled."""
    found: dict[str, tuple[str, int]] = {}
    for _, entry in run_config.enabled(environ):
        if entry["provider_type"] != _HYBRID:
            continue
        config: Json = entry.get("config") or {}
        file = Path(expand(str(config.get("db_path")), environ)).expanduser()
        try:
            rows = read_untouched(file, _STORED) if file.is_file() else []
        except CannotRead:
            continue  # the check of databases tells of the file
        found |= {name: (model, dimension) for name, model, dimension in rows}
    return found
