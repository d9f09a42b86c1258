"""Stores of the service's own file: providers and registered stores for a run configuration.

It opens no store. What the first bytes of a file say decides who may: a file of ours is opened by
the hybrid store; any other index has to be imported first, in a process of its own.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from lightspeed_core.config.rag import RagBackend
from lightspeed_core.engine.llama_stack.settings import OwnStore, OwnStores
from lightspeed_core.engine.llama_stack.unified import vector_io
from lightspeed_core.engine.llama_stack.unified.embedding_models import ModelFinder
from lightspeed_core.engine.llama_stack.unified.merge import Tree
from lightspeed_core.errors import ConfigurationError

_SQLITE: Final = b"SQLite format 3\x00"
_HEADER: Final = 100
# Offset and value of SQLite's application id in the header of a file of the hybrid store.
_APPLICATION_ID: Final = slice(68, 72)
_OURS: Final = 0x4C436668.to_bytes(4)
_REQUIRED: Final = {"db": "POSTGRES_DB", "user": "POSTGRES_USER", "password": "POSTGRES_PASSWORD"}


def add_own_stores(
    tree: Tree,
    own: OwnStores,
    data_dir: Path,
    environ: Mapping[str, str],
    *,
    registered: frozenset[str] = frozenset(),
) -> Tree:
    """Return the run configuration with the stores that it does not register itself.

    `registered` are ids that will be registered by what is put over it. Raises
    `ConfigurationError` for a store that cannot be served, naming its place.
    """
    known = registered | {str(each.get("vector_store_id")) for each in _list(tree, "vector_stores")}
    joining = [store for store in own.stores if store.store_id not in known]
    if not joining:
        return tree
    models = ModelFinder(tree, own.folders, data_dir / "models", environ)
    stores: list[Tree] = []
    providers: list[Tree] = []
    backends: Tree = {}
    for store in joining:
        model = models.find(store)
        entry = _provider(store, own, data_dir, environ)
        if entry["provider_type"] == vector_io.HYBRID and models.takes_query_marks(model):
            entry["config"]["mark_queries"] = True
        if store.backend is RagBackend.PGVECTOR:
            backend = entry["config"]["persistence"]["backend"]
            backends[backend] = vector_io.key_value_backend(backend)
        providers.append(entry)
        stores.append(
            {
                "vector_store_id": store.store_id,
                "vector_store_name": store.name,
                "provider_id": entry["provider_id"],
                "embedding_model": model,
                "embedding_dimension": store.embedding_dimension,
            }
        )
    return _joined(tree, providers, stores, models, backends)


def imported_file(data_dir: Path, name: str) -> Path:
    """Return where a store is kept that was imported from a file of another program."""
    return data_dir / "imported" / f"{_slug(name)}.db"


def unfinished_file(imported: Path) -> Path:
    """Return where a store is kept until all of it is imported; it is never served."""
    return imported.with_suffix(".part")


def is_ours(path: Path) -> bool:
    """Say whether a file is one of the hybrid store, or empty and may become one.

    Raises `ConfigurationError` when it cannot be read.
    """
    head = _head(path)
    return not head or (head.startswith(_SQLITE) and head[_APPLICATION_ID] == _OURS)


def hand_over_passwords(own: OwnStores, environ: MutableMapping[str, str]) -> None:
    """Set the variables by which written passwords get into Llama Stack, and into no file."""
    for store in own.stores:
        if (password := store.postgres.get("password")) is not None:
            environ[_password_variable(store.name)] = str(password)


def _password_variable(name: str) -> str:
    digest = sha256(name.encode()).hexdigest()[:8].upper()
    return f"LIGHTSPEED_STORE_{digest}_PASSWORD"


def _provider(store: OwnStore, own: OwnStores, data_dir: Path, environ: Mapping[str, str]) -> Tree:
    provider_id = f"byok_{_slug(store.name)}"
    if store.backend is RagBackend.PGVECTOR:
        return _pgvector(store, provider_id, environ)
    if store.backend is None or store.db_path is None:
        raise ConfigurationError(
            f"{store.place}: a store of this type is served when run.yaml registers "
            f"'{store.store_id}' with a provider of it; here it can be faiss or pgvector"
        )
    path = store.db_path
    if not is_ours(path):
        path = imported_file(data_dir, store.name)
        if not path.is_file():
            if store.name not in own.taken_in:
                raise ConfigurationError(_not_imported(store.place, store.db_path, store.name))
            path = unfinished_file(path)
    return vector_io.hybrid_entry(provider_id, str(path.absolute()))


def _not_imported(place: str, path: Path, name: str) -> str:
    if not _head(path).startswith(_SQLITE):
        return (
            f"{place}.db_path: {path} is no vector store: neither a file of faiss_hybrid nor the "
            "SQLite file of Llama Stack's faiss provider"
        )
    return (
        f"{place}.db_path: {path} was written by another program, and foreign index files are not "
        f"opened by the service. Import it once: `lightspeed-stack import {path} --store {name}`"
    )


def _pgvector(store: OwnStore, provider_id: str, environ: Mapping[str, str]) -> Tree:
    for key, variable in _REQUIRED.items():
        if store.postgres.get(key) is None and not environ.get(variable):
            raise ConfigurationError(
                f"{store.place}: backend pgvector needs {key}, or the environment variable "
                f"'{variable}', which is not set or empty"
            )
    settings = {key: value for key, value in store.postgres.items() if value is not None}
    if "password" in settings:
        # A reference, like every secret of the file that is written.
        settings["password"] = f"${{env.{_password_variable(store.name)}}}"
    return vector_io.pgvector_entry(provider_id, settings)


def _joined(
    tree: Tree, providers: list[Tree], stores: list[Tree], models: ModelFinder, backends: Tree
) -> Tree:
    before: Mapping[str, Any] = tree.get("providers") or {}
    resources: Mapping[str, Any] = tree.get("registered_resources") or {}
    joined: Tree = {
        **tree,
        "providers": {
            **before,
            "inference": [*(before.get("inference") or ()), *models.providers],
            "vector_io": [*(before.get("vector_io") or ()), *providers],
        },
        "registered_resources": {
            **resources,
            "models": [*(resources.get("models") or ()), *models.models],
            "vector_stores": [*(resources.get("vector_stores") or ()), *stores],
        },
    }
    if "apis" in tree:
        missing = [api for api in ("inference", "vector_io") if api not in tree["apis"]]
        joined["apis"] = [*tree["apis"], *missing]
    if backends:
        storage: Tree = dict(tree.get("storage") or {})
        joined["storage"] = {**storage, "backends": {**(storage.get("backends") or {}), **backends}}
    return joined


def _list(tree: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    resources: Mapping[str, Any] = tree.get("registered_resources") or {}
    yield from resources.get(key) or ()


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER)
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc


def _slug(name: str) -> str:
    """Return a file's and provider's name for any name, another one for each."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:40]
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"
