"""A model that answers by quoting the passages it was given, and by nothing else."""

from typing import Any

from lightspeed_stack_providers.extractive.config import ExtractiveConfig
from lightspeed_stack_providers.extractive.impl import Extractive

__all__ = ["Extractive", "ExtractiveConfig", "get_provider_impl"]


async def get_provider_impl(config: ExtractiveConfig, deps: dict[Any, Any]) -> Extractive:
    """Build the provider; the stack calls it once for each entry of run.yaml."""
    return Extractive(config)
