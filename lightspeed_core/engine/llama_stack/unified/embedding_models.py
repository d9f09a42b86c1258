"""Which embedding model of a run configuration stands for the one that a store was filled with.

A model that no provider has is served from a folder with its ONNX form, which this module knows
where to look for. It loads no model and fetches nothing.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.engine.llama_stack.run_config import DISABLED, expand
from lightspeed_core.engine.llama_stack.settings import OwnStore
from lightspeed_core.engine.llama_stack.unified.merge import Tree
from lightspeed_core.errors import ConfigurationError

_ONNX: Final = "inline::onnx_embeddings"
_MODULE: Final = "lightspeed_stack_providers.onnx_embeddings"
_EMBEDDED: Final = "all-MiniLM-L6-v2"
# Under which names stores know the model that comes with the service.
_EMBEDDED_NAMES: Final = frozenset({_EMBEDDED, f"sentence-transformers/{_EMBEDDED}"})
_EMBEDDED_DIMENSION: Final = 384


class ModelFinder:
    """Finds models for stores; `providers` and `models` are what the run configuration lacks."""

    def __init__(
        self,
        tree: Tree,
        folders: Mapping[str, str],
        default_folders: Path,
        environ: Mapping[str, str],
    ) -> None:
        self.providers: list[Tree] = []
        self.models: list[Tree] = []
        self._folders = folders
        self._default_folders = default_folders
        self._entries = dict(_inference(tree, environ))
        resources: Mapping[str, Any] = tree.get("registered_resources") or {}
        self._registered = {
            f"{each.get('provider_id')}/{each.get('provider_model_id') or each.get('model_id')}"
            for each in resources.get("models") or ()
        }

    def find(self, store: OwnStore) -> str:
        """Return the identifier of the store's model.

        Raises `ConfigurationError` when no provider has it and no folder holds it.
        """
        wanted = store.embedding_model
        if wanted in self._folders:
            return self._from_folder(store, Path(self._folders[wanted]).expanduser())
        owner, _, name = wanted.partition("/")
        if name and owner in self._entries:
            self._register(owner, name, store.embedding_dimension)
            return wanted
        folder = self._default_folders / wanted
        if ".." not in folder.parts and folder.is_dir():
            return self._from_folder(store, folder)
        if wanted in _EMBEDDED_NAMES:
            return self._embedded(store)
        raise ConfigurationError(
            f"{store.place}.embedding_model: no provider has '{wanted}', which embedded the store. "
            "Put its ONNX form into a folder (model.onnx, tokenizer.json and embedding.json: "
            f"docs/providers/onnx_embeddings.md): {folder} would serve, or any other one that "
            f"rag.embedding_folders names for {wanted}"
        )

    def takes_query_marks(self, model: str) -> bool:
        """Say whether the model's provider tells questions from passages."""
        return self._entries[model.partition("/")[0]][0] == _ONNX

    def _from_folder(self, store: OwnStore, folder: Path) -> str:
        dimension = read_dimension(folder, f"{store.place}.embedding_model")
        name = store.embedding_model.rpartition("/")[2]
        self._check_dimension(store, dimension, f"the model in {folder}")
        return self._add(onnx_entry(f"byok_{name}", folder, name), name, dimension)

    def _embedded(self, store: OwnStore) -> str:
        self._check_dimension(store, _EMBEDDED_DIMENSION, f"the model {_EMBEDDED}")
        for owner, (kind, is_embedded) in self._entries.items():
            if kind == _ONNX and is_embedded:
                self._register(owner, _EMBEDDED, _EMBEDDED_DIMENSION)
                return f"{owner}/{_EMBEDDED}"
        return self._add(onnx_entry(f"byok_{_EMBEDDED}"), _EMBEDDED, _EMBEDDED_DIMENSION)

    def _add(self, entry: Tree, name: str, dimension: int) -> str:
        owner = str(entry["provider_id"])
        if owner not in self._entries:
            self._entries[owner] = (_ONNX, not entry["config"])
            self.providers.append(entry)
        self._register(owner, name, dimension)
        return f"{owner}/{name}"

    def _register(self, owner: str, name: str, dimension: int) -> None:
        """Make a model known before the stores are; providers are asked for theirs later."""
        identifier = f"{owner}/{name}"
        if identifier not in self._registered:
            self._registered.add(identifier)
            self.models.append(model_entry(owner, name, dimension))

    def _check_dimension(self, store: OwnStore, dimension: int, what: str) -> None:
        if dimension != store.embedding_dimension:
            raise ConfigurationError(
                f"{store.place}.embedding_dimension: the store has {store.embedding_dimension}, "
                f"and {what} gives {dimension}"
            )


def onnx_entry(provider_id: str, folder: Path | None = None, name: str | None = None) -> Tree:
    """Return the entry of a provider for a folder's model, or for the one that comes with it."""
    config = {} if folder is None else {"model_dir": str(folder.absolute()), "model_name": name}
    return {
        "provider_id": provider_id,
        "provider_type": _ONNX,
        "module": _MODULE,
        "config": config,
    }


def model_entry(owner: str, name: str, dimension: int) -> Tree:
    """Return what registers an embedding model of a provider."""
    return {
        "model_id": name,
        "provider_id": owner,
        "provider_model_id": name,
        "model_type": "embedding",
        "metadata": {"embedding_dimension": dimension},
    }


def read_dimension(folder: Path, place: str) -> int:
    """Read the length of a model's vectors; its provider checks the rest of the folder.

    Raises `ConfigurationError`, which names the place of the configuration that names the folder.
    """
    spec = folder / "embedding.json"
    try:
        dimension = int(json.loads(spec.read_bytes())["dimension"])
    except OSError as exc:
        reason = f"cannot be read: {exc.strerror}"
    except (KeyError, TypeError, ValueError):
        reason = 'is no JSON with the length of the vectors, such as {"dimension": 768, ...}'
    else:
        return dimension
    raise ConfigurationError(
        f"{place}: {spec} {reason}; "
        "docs/providers/onnx_embeddings.md says what the folder of a model holds"
    )


def _inference(
    tree: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Give the providers of models that are on: id, type, and whether it has a model of its own."""
    providers: Mapping[str, Any] = tree.get("providers") or {}
    for entry in providers.get("inference") or ():
        provider_id = expand(str(entry.get("provider_id") or ""), environ)
        if provider_id not in {"", DISABLED}:
            config: Mapping[str, Any] = entry.get("config") or {}
            yield provider_id, (str(entry.get("provider_type")), not config.get("model_dir"))
