"""Which model answers a turn, and whether it can be offered tools."""

from collections.abc import Collection, Sequence

from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.engine.types import ModelInfo
from lightspeed_core.errors import NotFound


def choose_model(
    models: Sequence[ModelInfo],
    *,
    requested: ModelRef | None,
    last_used: ModelRef | None,
    configured: ModelRef | None,
) -> ModelRef:
    """Return the first that applies: requested, last used here, configured, first listed.

    A model of the conversation that is no longer served gives way to the next; a requested or
    configured one that is not listed raises `NotFound`.
    """
    listed = {model.identifier for model in models if model.model_type == "llm"}
    if requested is not None:
        return _listed(requested, listed)
    if last_used is not None and last_used.identifier in listed:
        return last_used
    if configured is not None:
        return _listed(configured, listed)
    for model in models:
        if model.model_type == "llm":
            return ModelRef.parse(model.identifier)
    raise NotFound("model")


def can_call_tools(model: ModelInfo | None, without: Collection[str]) -> bool:
    """Say whether a model calls tools: unless it says that it does not, or is among `without`."""
    if model is None:
        return True
    return model.identifier not in without and model.metadata.get("calls_tools") is not False


def _listed(model: ModelRef, listed: set[str]) -> ModelRef:
    if model.identifier not in listed:
        raise NotFound("model", model.model)
    return model
