"""Inference over any endpoint that speaks OpenAI's protocol."""

from typing import Any

from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.impl import OpenAICompatible


async def get_adapter_impl(
    config: OpenAICompatibleConfig, deps: dict[Any, Any]
) -> OpenAICompatible:
    """Build the provider for the stack; nothing is connected before the first request."""
    return OpenAICompatible(config)
