"""An embedding model of one's own in the place of a run configuration's default one.

Its folder is all that has to be named. It loads no model; what a store was filled with stays.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.engine.llama_stack.run_config import expand
from lightspeed_core.engine.llama_stack.unified.embedding_models import (
    model_entry,
    onnx_entry,
    read_dimension,
)
from lightspeed_core.engine.llama_stack.unified.merge import Tree, merge
from lightspeed_core.errors import ConfigurationError

PROVIDER_ID: Final = "embeddings"
"""The provider that serves the folder; the model is this, a slash and the folder's name."""

_PLACE: Final = "knowledge.embedding_folder"
# Stores of these kinds go on with the model that filled them, whatever is configured.
_OURS: Final = frozenset({"inline::faiss_hybrid", "remote::pgvector_async"})


def use_embedding_folder(tree: Tree, folder: Path, environ: Mapping[str, str]) -> Tree:
    """Return the run configuration with the folder's model as the default of all stores.

    Registered stores of ours that name the former default get it as well. Raises
    `ConfigurationError` for what is no folder of a model.
    """
    dimension = read_dimension(folder, _PLACE)
    providers: Mapping[str, Any] = tree.get("providers") or {}
    resources: Mapping[str, Any] = tree.get("registered_resources") or {}
    inference: list[Tree] = list(providers.get("inference") or ())
    vector_io: list[Tree] = list(providers.get("vector_io") or ())
    _check_id(inference, environ)
    name = f"{PROVIDER_ID}/{folder.name}"
    ours = {each.get("provider_id") for each in vector_io if _is_ours(each)}
    former = _default_model(tree)
    stores: list[Tree] = [
        {**store, "embedding_model": name, "embedding_dimension": dimension}
        if store.get("embedding_model") == former and store.get("provider_id") in ours
        else store
        for store in resources.get("vector_stores") or ()
    ]
    of_others = {each.get("provider_id") for each in stores if each.get("embedding_model") != name}
    over: Tree = {
        "providers": {
            "inference": [*inference, onnx_entry(PROVIDER_ID, folder, folder.name)],
            "vector_io": [_marking(each, but=of_others) for each in vector_io],
        },
        "registered_resources": {
            "models": [
                *(resources.get("models") or ()),
                model_entry(PROVIDER_ID, folder.name, dimension),
            ],
            "vector_stores": stores,
        },
        "vector_stores": {
            "default_embedding_model": {"provider_id": PROVIDER_ID, "model_id": folder.name}
        },
    }
    return merge(tree, over)


def _check_id(inference: list[Tree], environ: Mapping[str, str]) -> None:
    if PROVIDER_ID in {expand(str(each.get("provider_id") or ""), environ) for each in inference}:
        raise ConfigurationError(
            f"{_PLACE}: the run configuration has a provider '{PROVIDER_ID}' already, which is the "
            "id of the folder's; give that one another id"
        )


def _is_ours(provider: Tree) -> bool:
    return provider.get("provider_type") in _OURS


def _default_model(tree: Mapping[str, Any]) -> str | None:
    section: Mapping[str, Any] = tree.get("vector_stores") or {}
    default: Mapping[str, Any] = section.get("default_embedding_model") or {}
    return f"{default['provider_id']}/{default['model_id']}" if default else None


def _marking(provider: Tree, *, but: set[Any]) -> Tree:
    """Let a provider of ours say which texts are questions, as some models want to know.

    Those of `but` have stores of other models, whose endpoints may refuse the mark.
    """
    if not _is_ours(provider) or provider.get("provider_id") in but:
        return provider
    return {**provider, "config": {"mark_queries": True, **(provider.get("config") or {})}}
