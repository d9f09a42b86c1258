"""What the stack lists: models, shields, providers and their health.

A stack's registry outlives configuration, so what belongs to no present provider is left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.types import ModelInfo, ProviderInfo, ShieldInfo

MASK = "********"
# They answer with a verdict and never with another text.
_CHECKS_ONLY = frozenset(
    {
        "inline::llama-guard", "inline::prompt-guard", "inline::code-scanner",
        "inline::question_validity", "inline::injection_rules", "remote::passthrough",
        "remote::bedrock", "remote::nvidia", "remote::sambanova",
    }
)  # fmt: skip
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


async def models(stack: Stack) -> list[ModelInfo]:
    """List the models in the order of run.yaml's providers."""
    with translated():
        order = _order(await stack.provider_types("inference"))
        listed = [each for each in await stack.models() if each["provider_id"] in order]
    listed.sort(key=lambda each: order[each["provider_id"]])
    return [
        ModelInfo(
            identifier=each["identifier"],
            provider_id=each["provider_id"],
            provider_resource_id=each["provider_resource_id"],
            model_type=each["model_type"],
            metadata=each["metadata"],
        )
        for each in listed
    ]


async def shields(stack: Stack) -> list[ShieldInfo]:
    """List the shields."""
    with translated():
        types = await stack.provider_types("safety")
        listed = [each for each in await stack.shields() if each["provider_id"] in types]
    return [
        ShieldInfo(
            identifier=each["identifier"],
            provider_id=each["provider_id"],
            provider_resource_id=each["provider_resource_id"] or each["identifier"],
            may_rewrite=types[each["provider_id"]] not in _CHECKS_ONLY,
            params=each["params"] or {},
        )
        for each in listed
    ]


async def providers(stack: Stack) -> list[ProviderInfo]:
    """List the providers with their configuration, secrets masked."""
    with translated():
        listed = await stack.providers()
    return [
        ProviderInfo(
            provider_id=each["provider_id"],
            provider_type=each["provider_type"],
            api=each["api"],
            config=_without_credentials(each["config"]),
        )
        for each in listed
    ]


def _order(provider_ids: Iterable[str]) -> Mapping[str, int]:
    return {provider_id: index for index, provider_id in enumerate(provider_ids)}


def _without_credentials(value: Any) -> Any:
    # The stack masks by the name of the key; a password inside an address it does not see.
    match value:
        case dict():
            return {key: _without_credentials(each) for key, each in value.items()}
        case list():
            return [_without_credentials(each) for each in value]
        case str():
            return _CREDENTIALS_IN_URL.sub(f"{MASK}@", value)
        case _:
            return value
