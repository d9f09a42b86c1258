"""A shield that lets a model decide whether a question belongs to the product."""

from typing import Any

__all__ = ["get_provider_impl"]


async def get_provider_impl(config: Any, deps: dict[Any, Any]) -> Any:
    """Build the provider; the stack calls it once for each entry of run.yaml."""
    # Whoever uses the prompt alone must not pay for the stack's classes.
    from lightspeed_stack_providers.question_validity.impl import QuestionValidity

    return QuestionValidity(config, deps)
