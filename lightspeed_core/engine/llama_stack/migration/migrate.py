"""The whole file: what is renamed, what moves, and what has no place any more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.engine.llama_stack import legacy
from lightspeed_core.engine.llama_stack.migration.known import InstalledProviders, KnownProviders
from lightspeed_core.engine.llama_stack.migration.ledger import Ledger, Tree, mapping
from lightspeed_core.engine.llama_stack.migration.providers import CARRIED, ProviderMigration
from lightspeed_core.engine.llama_stack.migration.resources import ResourceMigration
from lightspeed_core.engine.llama_stack.migration.storage import Backends
from lightspeed_core.engine.llama_stack.run_config import (
    TOP_LEVEL_KEYS,
    find_problems,
    parse_run_config,
    refuse,
)
from lightspeed_core.engine.llama_stack.unified.inference import IsInstalled
from lightspeed_core.engine.llama_stack.unified.synthesis import is_installed
from lightspeed_core.errors import ConfigurationError

_MOVED: Final = legacy.TOP_LEVEL | {"image_name"}
_BUILT: Final = frozenset(
    {"version", "distro_name", "apis", "providers", "storage", "registered_resources"}
)


def migrate_file(
    path: Path,
    known: KnownProviders | None = None,
    installed: IsInstalled = is_installed,
) -> tuple[Mapping[str, Any], Ledger]:
    """Read a run.yaml and return its content for Llama Stack 0.7, with what is to be known.

    A file that is for 0.7 already comes back as it is. Raises `ConfigurationError` for a file
    that cannot be read, or that no rule makes into a run.yaml.
    """
    content = parse_run_config(path)
    ledger = Ledger()
    if not find_problems(content):
        return content, ledger
    if not isinstance(content.get("providers"), dict):
        refuse(path, find_problems(content))
    backends = Backends(ledger)
    providers = ProviderMigration(known or InstalledProviders(), installed, backends, ledger)
    migrated = _migrate(content, providers)
    if problems := find_problems(migrated):
        raise ConfigurationError(
            f"{path} cannot be carried over:"
            + "".join(f"\n  {key}: {text}" for key, text in problems)
        )
    return migrated, ledger


def _migrate(content: Mapping[str, Any], provider_migration: ProviderMigration) -> Tree:
    backends, ledger = provider_migration.backends, provider_migration.ledger
    # First, so that these databases get the names by which Llama Stack looks for them.
    stores = backends.stores(content)
    providers = provider_migration.migrate(content)
    resources = ResourceMigration(providers, ledger).migrate(content)
    migrated: Tree = {
        "version": 2,
        "distro_name": content.get("distro_name")
        or content.get("image_name")
        or "lightspeed-stack",
        "apis": _apis(content, ledger),
        "providers": providers,
        "storage": backends.section(content, stores),
        "registered_resources": resources,
    }
    for key, value in content.items():
        if key in TOP_LEVEL_KEYS and key not in _BUILT | _MOVED:
            migrated[key] = value
        elif key not in TOP_LEVEL_KEYS | _MOVED:
            ledger.leave(key, "Llama Stack has no such key")
    return migrated


def _apis(content: Mapping[str, Any], ledger: Ledger) -> list[str]:
    providers = mapping(content["providers"])
    # Without the list 0.2 served whatever has providers.
    apis = [str(api) for api in ledger.list_at("apis", content.get("apis"))] or list(providers)
    for api in apis:
        # Of an API with providers each of these is named.
        if api not in CARRIED and not providers.get(api):
            ledger.leave("apis", f"'{api}' is not used by the service")
    return [api for api in apis if api in CARRIED]
