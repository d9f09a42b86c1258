"""Builds a run configuration: a base, vector stores, models, stores of one's own, overrides.

It writes nothing and makes no substitution: secrets stay references to the environment.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from lightspeed_core.config.llama_stack import Baseline
from lightspeed_core.engine.llama_stack.run_config import expand, read_run_config
from lightspeed_core.engine.llama_stack.settings import (
    EngineSettings,
    OwnStores,
    RunConfigSections,
)
from lightspeed_core.engine.llama_stack.unified import vector_io
from lightspeed_core.engine.llama_stack.unified.embedding_folder import use_embedding_folder
from lightspeed_core.engine.llama_stack.unified.inference import (
    InferenceSurroundings,
    IsInstalled,
    inference_entry,
)
from lightspeed_core.engine.llama_stack.unified.merge import Tree, merge
from lightspeed_core.engine.llama_stack.unified.own_stores import add_own_stores

DISTRIBUTION: Final = "lightspeed-stack"
_SWITCH: Final = re.compile(r"\$\{env\.[A-Z0-9_]+:\+([^}]*)\}")
_BACKENDS: Final[Mapping[str, Tree]] = {
    "kv_default": {"type": "kv_sqlite", "db_path": ":memory:"},
    "sql_default": {"type": "sql_sqlite", "db_path": f"{vector_io.DATA_DIR}/llama-stack.db"},
}


def is_installed(module: str) -> bool:
    """Say whether a Python module could be imported; imports at most the packages around it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def build_run_config(settings: EngineSettings, environ: Mapping[str, str]) -> Tree | None:
    """Return the run configuration that a start has to write; None where a file serves as it is.

    Raises `ConfigurationError` as `synthesize` does.
    """
    if settings.sections is not None:
        return synthesize(
            settings.sections,
            environ,
            own=settings.own_stores,
            data_dir=settings.data_dir,
            embedding_folder=settings.embedding_folder,
        )
    has_additions = settings.own_stores.stores or settings.embedding_folder is not None
    if settings.run_config is None or not has_additions:
        return None
    tree = dict(read_run_config(settings.run_config).content)
    if settings.embedding_folder is not None:
        tree = use_embedding_folder(tree, settings.embedding_folder, environ)
    return add_own_stores(tree, settings.own_stores, settings.data_dir, environ)


def synthesize(
    sections: RunConfigSections,
    environ: Mapping[str, str],
    *,
    own: OwnStores | None = None,
    data_dir: Path = Path(),
    embedding_folder: Path | None = None,
    installed: IsInstalled = is_installed,
) -> Tree:
    """Build the run configuration that the sections describe, with stores of one's own.

    Raises `ConfigurationError` for what cannot be served here, naming the place in the service's
    own file, and for a profile that is no run.yaml.
    """
    tree = _base(sections)
    _add_vector_stores(tree, sections, environ)
    _add_inference(tree, sections, environ, installed)
    if embedding_folder is not None:
        tree = use_embedding_folder(tree, embedding_folder, environ)
    vector_io.check_embedding_models(
        sections.vector_store, {_id_when_on(each, environ) for each in _inference(tree)}
    )
    override = sections.config.native_override
    tree = add_own_stores(
        tree, own or OwnStores(), data_dir, environ, registered=_registered(override)
    )
    return _completed(merge(tree, override))


def _registered(override: Mapping[str, Any]) -> frozenset[str]:
    resources: Mapping[str, Any] = override.get("registered_resources") or {}
    stores: list[Mapping[str, Any]] = resources.get("vector_stores") or []
    return frozenset(str(store.get("vector_store_id")) for store in stores)


def _base(sections: RunConfigSections) -> Tree:
    if sections.config.profile is not None:
        return dict(read_run_config(Path(sections.config.profile)).content)
    if sections.config.baseline is Baseline.EMPTY:
        return {}
    tree = dict(read_run_config(sections.default_baseline).content)
    if sections.inference:
        # The endpoints that variables switch on would offer what `allowed_models` leaves out.
        kept = [entry for entry in _inference(tree) if "${" not in str(entry["provider_id"])]
        tree["providers"] = {**tree["providers"], "inference": kept}
    return tree


def _add_vector_stores(tree: Tree, sections: RunConfigSections, environ: Mapping[str, str]) -> None:
    section = sections.vector_store
    if not section.providers:
        return
    entries = [vector_io.vector_io_entry(provider) for provider in section.providers]
    _add_entries(tree, "vector_io", entries, environ)
    if backends := vector_io.backends(section):
        storage = _part(tree, "storage")
        storage["backends"] = {**(storage.get("backends") or {}), **backends}
    resources = _part(tree, "registered_resources")
    models = list[Tree](resources.get("models") or ())
    known = {(model.get("provider_id"), model.get("provider_model_id")) for model in models}
    resources["models"] = models + [
        model
        for model in vector_io.embedding_models(section)
        if (model["provider_id"], model["provider_model_id"]) not in known
    ]
    tree["vector_stores"] = {**(tree.get("vector_stores") or {}), **vector_io.defaults(section)}


def _add_inference(
    tree: Tree,
    sections: RunConfigSections,
    environ: Mapping[str, str],
    installed: IsInstalled,
) -> None:
    around = InferenceSurroundings(environ, installed, sections.default_models)
    entries = [
        inference_entry(provider, f"inference.providers[{index}]", around)
        for index, provider in enumerate(sections.inference)
    ]
    if entries:
        _add_entries(tree, "inference", entries, environ)


def _add_entries(tree: Tree, api: str, entries: list[Tree], environ: Mapping[str, str]) -> None:
    """Put entries first, for the first model listed is the default; the same ids replace."""
    providers = _part(tree, "providers")
    taken = {entry["provider_id"] for entry in entries}
    others = [
        entry for entry in providers.get(api) or () if _id_when_on(entry, environ) not in taken
    ]
    providers[api] = [*entries, *others]
    if "apis" in tree and api not in tree["apis"]:
        tree["apis"] = [*tree["apis"], api]


def _part(tree: Tree, key: str) -> Tree:
    """Return a mapping of the tree that may be changed without changing what it came from."""
    part: Tree = dict(tree.get(key) or {})
    tree[key] = part
    return part


def _inference(tree: Tree) -> Iterator[Tree]:
    providers = cast("Mapping[str, Any]", tree.get("providers") or {})
    yield from providers.get("inference") or ()


def _id_when_on(entry: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Return the id that an entry has, or would have were its variable set."""
    return expand(_SWITCH.sub(r"\1", str(entry.get("provider_id") or "")), environ)


def _completed(tree: Tree) -> Tree:
    """Add what Llama Stack cannot do without, or would put into the home directory."""
    named = {} if tree.get("image_name") else {"distro_name": DISTRIBUTION}
    completed: Tree = {"version": 2, **named, "apis": None, "providers": {}, **tree}
    if completed["apis"] is None:
        completed["apis"] = [api for api, entries in completed["providers"].items() if entries]
    storage: Tree = dict(completed.get("storage") or {})
    if not storage.get("stores"):
        storage["backends"] = {**_BACKENDS, **(storage.get("backends") or {})}
    completed["storage"] = storage
    return completed
