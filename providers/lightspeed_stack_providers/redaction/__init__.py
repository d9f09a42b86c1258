"""A shield that takes patterns and checksummed numbers out of texts."""

from typing import Any

__all__ = ["get_provider_impl"]


async def get_provider_impl(config: Any, deps: dict[Any, Any]) -> Any:
    """Build the provider; the stack calls it once for each entry of run.yaml."""
    # Whoever uses the rules alone must not pay for the stack's classes.
    from lightspeed_stack_providers.redaction.impl import Redaction

    return Redaction(config)
