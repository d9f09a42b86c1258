"""Looks at a run configuration without booting it: what it says, which providers can be loaded.

Loading imports what a boot imports, so it takes as long, and it creates no file.
"""

import ast
import importlib
import inspect
import logging
import os
import textwrap
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from lightspeed_core.engine.llama_stack.environment import set_defaults
from lightspeed_core.engine.llama_stack.explain import explain_boot_failure
from lightspeed_core.engine.llama_stack.logs import kept_logging
from lightspeed_core.engine.llama_stack.run_config import (
    RunConfig,
    check_run_config,
    expand,
    read_run_config,
)
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.llama_stack.unified.synthesis import build_run_config
from lightspeed_core.errors import ConfigurationError

_FACTORIES: Final = ("get_adapter_impl", "get_provider_impl")
logger = logging.getLogger(__name__)

# The name of a run.yaml that is built at the start, for messages.
_BUILT: Final = Path("the built run configuration")


def describe_run_config(settings: EngineSettings, environ: Mapping[str, str]) -> RunConfig:
    """Read the run.yaml, or build it as a start would. Raises `ConfigurationError`."""
    content = build_run_config(settings, environ)
    if content is not None:
        return check_run_config(settings.run_config or _BUILT, content)
    if settings.run_config is None:
        raise ConfigurationError("llama_stack.library_client_config_path is not set")
    return read_run_config(settings.run_config)


def find_unloadable(run_config: RunConfig, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Give each provider that is on, by its id, and why it cannot be loaded; None where it can."""
    set_defaults(os.environ)
    with kept_logging():
        distribution = importlib.import_module("llama_stack.core.distribution")
        registry = {api.value: known for api, known in distribution.get_provider_registry().items()}
        return {
            expand(str(entry["provider_id"]), environ): _reason(registry, api, entry, run_config)
            for api, entry in run_config.enabled(environ)
        }


def _reason(
    registry: Mapping[str, Mapping[str, Any]],
    api: str,
    provider: Mapping[str, Any],
    run_config: RunConfig,
) -> str | None:
    known = registry.get(api, {})
    kind = str(provider["provider_type"])
    if not provider.get("module") and kind not in known:
        near = get_close_matches(kind, known, n=1)
        advice = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
        return f"Llama Stack has no provider type '{kind}' for {api}; {advice}"
    try:
        spec = _external_spec(provider) if provider.get("module") else known[kind]
        _import_all(importlib.import_module(spec.module))
        _check_settings(spec, provider)
    except Exception as exc:
        logger.debug("provider was not loaded", exc_info=True)
        return explain_boot_failure(exc, run_config).cause
    return None


def _external_spec(provider: Mapping[str, Any]) -> Any:
    package = str(provider["module"]).split("==")[0]
    specs = importlib.import_module(f"{package}.provider").get_provider_spec()
    if not isinstance(specs, list):
        return specs
    return next(spec for spec in specs if spec.provider_type == provider["provider_type"])


def _import_all(provider: ModuleType) -> None:
    """Import what the provider's factory imports only when it is called."""
    for name in _FACTORIES:
        if (factory := getattr(provider, name, None)) is None:
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(factory)))):
            if isinstance(node, ast.ImportFrom):
                named = "." * node.level + (node.module or "")
                importlib.import_module(named, provider.__package__)


def _check_settings(spec: Any, provider: Mapping[str, Any]) -> None:
    replace = importlib.import_module("llama_stack.core.stack").replace_env_vars
    module, _, name = spec.config_class.rpartition(".")
    settings = getattr(importlib.import_module(module), name)
    settings(**replace(dict(provider.get("config") or {})))
