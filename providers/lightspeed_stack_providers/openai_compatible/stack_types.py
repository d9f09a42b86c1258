"""The endpoint's answers as the stack's own types, forgiving what endpoints commonly leave out."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from llama_stack_api import (
    OpenAIChatCompletion,
    OpenAIChatCompletionChunk,
    OpenAIEmbeddingsResponse,
)
from llama_stack_api.inference import OpenAIFinishReason

from lightspeed_stack_providers.failures import UpstreamGarbage

FINISH_REASONS = frozenset(get_args(OpenAIFinishReason))
# What comes of walking through JSON of another shape, pydantic's own error among it.
MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def completion_of(answer: Mapping[str, Any], model: str) -> OpenAIChatCompletion:
    """Type a whole chat completion. Raises `UpstreamGarbage`."""
    try:
        fields = _completed(answer, model)
        return OpenAIChatCompletion.model_validate({**fields, "object": "chat.completion"})
    except MISSHAPEN as exc:
        raise UpstreamGarbage(f"answered with an unknown shape: {exc}") from exc


def chunk_of(event: Mapping[str, Any], model: str) -> OpenAIChatCompletionChunk:
    """Type one event of a stream. Raises `UpstreamGarbage`."""
    try:
        fields = _completed(event, model)
        for choice in fields["choices"]:
            choice["delta"] = _delta_of(choice)
        return OpenAIChatCompletionChunk.model_validate(
            {**fields, "object": "chat.completion.chunk"}
        )
    except MISSHAPEN as exc:
        raise UpstreamGarbage(f"an event has an unknown shape: {exc}") from exc


def embeddings_of(
    answer: Mapping[str, Any], model: str, *, expected: int
) -> OpenAIEmbeddingsResponse:
    """Type embeddings, in the order of their texts. Raises `UpstreamGarbage`."""
    try:
        fields = cast("dict[str, Any]", _without_nulls(answer))
        rows: list[dict[str, Any]] = fields.get("data", [])
        for position, row in enumerate(rows):
            row.setdefault("index", position)
        rows.sort(key=lambda row: int(row["index"]))
        usage = {"prompt_tokens": 0, "total_tokens": 0, **fields.get("usage", {})}
        typed = OpenAIEmbeddingsResponse.model_validate(
            {"model": model, "data": rows, "usage": usage}
        )
    except MISSHAPEN as exc:
        raise UpstreamGarbage(f"answered with an unknown shape: {exc}") from exc
    if len(typed.data) != expected:
        raise UpstreamGarbage(f"answered with {len(typed.data)} embeddings for {expected} texts")
    return typed


def _completed(answer: Mapping[str, Any], model: str) -> dict[str, Any]:
    found = cast("dict[str, Any]", _without_nulls(answer))
    fields: dict[str, Any] = {"id": "unnamed", "choices": [], "model": model, "created": 0, **found}
    fields["created"] = int(fields["created"])
    for position, choice in enumerate(fields["choices"]):
        choice.setdefault("index", position)
        reason = choice.get("finish_reason")
        if reason is not None and reason not in FINISH_REASONS:
            choice["finish_reason"] = "stop"
    return fields


def _delta_of(choice: dict[str, Any]) -> dict[str, Any]:
    # An endpoint that ignored the wish for a stream sends a message in place of a delta.
    delta: dict[str, Any] = choice.get("delta") or choice.get("message") or {}
    for position, call in enumerate(delta.get("tool_calls", ())):
        call.setdefault("index", position)
        # The stack wants a name and arguments in every fragment.
        call["function"] = {"name": "", "arguments": "", **call.get("function", {})}
    return delta


def _without_nulls(value: Any) -> Any:
    # Endpoints write null where the stack's types have a default.
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return {name: _without_nulls(part) for name, part in found.items() if part is not None}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_without_nulls(part) for part in cast("list[Any]", value)]
    return cast("Any", value)
