"""What the installed Llama Stack knows: its providers and their settings. Imports it."""

import importlib
from typing import Any, Protocol

from lightspeed_core.engine.llama_stack.logs import kept_logging


class KnownProviders(Protocol):
    """Says what a provider can be told."""

    def settings(self, api: str, provider_type: str) -> frozenset[str] | None:
        """Return the keys that a provider understands; None for an unknown provider."""
        ...


class InstalledProviders(KnownProviders):
    """The providers that come with the installed Llama Stack."""

    def __init__(self) -> None:
        with kept_logging():
            distribution = importlib.import_module("llama_stack.core.distribution")
        self._registry: Any = distribution.get_provider_registry()

    def settings(self, api: str, provider_type: str) -> frozenset[str] | None:
        """Return the keys and their other names, as the provider's own class has them."""
        for known, specs in self._registry.items():
            if known.value == api and provider_type in specs:
                module, _, name = specs[provider_type].config_class.rpartition(".")
                with kept_logging():
                    config = getattr(importlib.import_module(module), name)
                aliases = {field.alias for field in config.model_fields.values() if field.alias}
                return frozenset({*config.model_fields, *aliases})
        return None
