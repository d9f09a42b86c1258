"""Holds what the configuration relies on against what the booted stack lists."""

from collections.abc import Iterable

from lightspeed_core.engine.llama_stack import catalog, vector_stores
from lightspeed_core.engine.llama_stack.settings import Reliance, Resource
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.errors import ConfigurationError


async def verify(stack: Stack, relies_on: Iterable[Reliance]) -> None:
    """Raise `ConfigurationError` that names every model, shield and store that is missing."""
    wanted = list(relies_on)
    if not wanted:
        return
    listed = {
        Resource.MODEL: [each.identifier for each in await catalog.models(stack)],
        Resource.SHIELD: [each.identifier for each in await catalog.shields(stack)],
        Resource.VECTOR_STORE: [each.store_id for each in await vector_stores.vector_stores(stack)],
    }
    missing = [_missing(each, listed[each.resource]) for each in wanted if _lacks(each, listed)]
    if missing:
        raise ConfigurationError("\n".join(missing))


def _lacks(reliance: Reliance, listed: dict[Resource, list[str]]) -> bool:
    return reliance.name not in listed[reliance.resource]


def _missing(reliance: Reliance, listed: list[str]) -> str:
    known = ", ".join(listed) or "none"
    return (
        f"{reliance.place}: Llama Stack lists no {reliance.resource} '{reliance.name}'; "
        f"it lists {known}"
    )
