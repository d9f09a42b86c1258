"""The provider `openai_compatible` outside a stack, and the fewest words to ask it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from llama_stack_api import OpenAIChatCompletionRequestWithExtraBody

from lightspeed_stack_providers.lean import LeanDelta
from lightspeed_stack_providers.openai_compatible import get_adapter_impl
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.impl import OpenAICompatible


@asynccontextmanager
async def provided(base_url: str, **settings: Any) -> AsyncGenerator[OpenAICompatible]:
    config = OpenAICompatibleConfig.model_validate({"base_url": base_url, **settings})
    provider = await get_adapter_impl(config, {})
    try:
        yield provider
    finally:
        await provider.shutdown()


def asking(question: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": question}], **fields}


def params(question: str, **fields: Any) -> OpenAIChatCompletionRequestWithExtraBody:
    return OpenAIChatCompletionRequestWithExtraBody.model_validate(asking(question, **fields))


async def lean(provider: OpenAICompatible, question: str, **fields: Any) -> list[LeanDelta]:
    async with aclosing(provider.lean_chat(asking(question, **fields))) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: list[LeanDelta]) -> str:
    return "".join(token for delta in deltas for token in delta.tokens)
