import orjson
import pytest
from llama_stack_api import ModelType

from lightspeed_stack_providers.openai_compatible.catalog import (
    configured_models,
    discovered_models,
)
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig

CONFIG = OpenAICompatibleConfig.model_validate(
    {"base_url": "http://h/v1", "models": "good,better", "embedding_models": {"e5": 384}}
)


def test_the_preferred_model_is_listed_first() -> None:
    models = configured_models(CONFIG, "gpt")
    assert [model.identifier for model in models] == ["good", "better", "e5"]
    assert models[2].model_type is ModelType.embedding
    assert models[2].metadata == {"embedding_dimension": 384}


def test_models_without_chat_are_not_discovered() -> None:
    names = [
        "models/gemini-2.5-pro",
        "good",
        "gpt-4o",
        "gpt-4o",
        "text-embedding-3-small",
        "whisper-1",
        "tts-1-hd",
        "dall-e-3",
        "omni-moderation-latest",
        "gpt-image-1",
        "gpt-4o-realtime-preview",
        "gpt-4o-audio-preview",
    ]
    body = orjson.dumps({"data": [{"id": name} for name in names]})
    found = discovered_models(body, CONFIG, "gpt")
    assert [model.identifier for model in found] == ["gemini-2.5-pro", "gpt-4o"]
    assert {model.provider_id for model in found} == {"gpt"}


@pytest.mark.parametrize(
    "body", [b"", b"<p>", b"3", b"{}", b'{"data": 3}', b'{"data": [3, {}, {"id": 3}, {"id": ""}]}']
)
def test_an_unreadable_list_brings_nothing(body: bytes) -> None:
    assert discovered_models(body, CONFIG, "gpt") == []


def test_a_bare_list_is_read_too() -> None:
    assert discovered_models(b'[{"id": "x"}]', CONFIG, "gpt")[0].identifier == "x"
