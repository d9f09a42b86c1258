"""Which models an endpoint is said to have: the configured ones, then those that it names."""

import re
from collections.abc import Iterator
from typing import Any, cast

import orjson
from llama_stack_api import Model, ModelType

from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig

NO_CHAT_MODEL = re.compile(
    r"embed|whisper|transcribe|tts|dall-e|moderation|image|realtime|audio|rerank|sora",
    re.IGNORECASE,
)


def configured_models(config: OpenAICompatibleConfig, provider_id: str) -> list[Model]:
    """List the models of the configuration, the preferred one first."""
    chat = [_model(name, provider_id) for name in config.models]
    embedding = [
        _model(name, provider_id, dimension) for name, dimension in config.embedding_models.items()
    ]
    return chat + embedding


def discovered_models(body: bytes, config: OpenAICompatibleConfig, provider_id: str) -> list[Model]:
    """List the further chat models of an answer to `GET /models`; none where it is unreadable."""
    known = {*config.models, *config.embedding_models}
    names = dict.fromkeys(_names(body))
    return [
        _model(name, provider_id)
        for name in names
        if name not in known and not NO_CHAT_MODEL.search(name)
    ]


def _names(body: bytes) -> Iterator[str]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    rows = cast("dict[str, Any]", answer).get("data") if isinstance(answer, dict) else answer
    for row in cast("list[Any]", rows) if isinstance(rows, list) else ():
        name = cast("dict[str, Any]", row).get("id") if isinstance(row, dict) else None
        if isinstance(name, str) and name:
            # Gemini's endpoint lists names that its other operations know without the prefix.
            yield name.removeprefix("models/")


def _model(name: str, provider_id: str, dimension: int | None = None) -> Model:
    return Model(
        identifier=name,
        provider_resource_id=name,
        provider_id=provider_id,
        model_type=ModelType.llm if dimension is None else ModelType.embedding,
        metadata={} if dimension is None else {"embedding_dimension": dimension},
    )
