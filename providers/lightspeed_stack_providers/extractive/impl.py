"""The stack's inference API, and the lean stream, over one answer that is computed at once."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, override

from llama_stack_api import (
    HealthResponse,
    HealthStatus,
    Model,
    ModelNotFoundError,
    ModelType,
    OpenAIChatCompletion,
    OpenAIChatCompletionChunk,
    OpenAIChatCompletionRequestWithExtraBody,
)

from lightspeed_stack_providers.extractive.answer import (
    NOT_ANSWERED,
    NOTHING_ASKED,
    NOTHING_GIVEN,
    Answer,
    count_prompt_tokens,
    cut_answer,
    render_quotes,
)
from lightspeed_stack_providers.extractive.config import ExtractiveConfig
from lightspeed_stack_providers.extractive.passages import read_prompt
from lightspeed_stack_providers.extractive.ranking import best_quotes, shortlist
from lightspeed_stack_providers.extractive.similarity import Similarity
from lightspeed_stack_providers.failures import UpstreamModelUnknown
from lightspeed_stack_providers.lean import LeanDelta
from lightspeed_stack_providers.one_model import OneModel

MODEL_NAME: Final = "quote"
_CONTEXT_LENGTH: Final = 131072


class Extractive(OneModel):
    """The model `quote`: the best sentences of the passages in the prompt, each with its marker.

    Tools, sampling and response formats are ignored.
    """

    _does = "quotes passages of chats"
    _name = MODEL_NAME

    def __init__(self, config: ExtractiveConfig) -> None:
        self._config = config
        self._similarity = Similarity(config.embedding_model) if config.use_embeddings else None
        # Taking long passages apart is work for the processor, which the event loop must not do.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="extractive")

    async def shutdown(self) -> None:
        """End the thread; whatever it still has to do takes milliseconds."""
        self._executor.shutdown()

    async def health(self) -> HealthResponse:
        """Always usable; the message says when only words are compared."""
        failure = self._similarity.failure if self._similarity else None
        if failure:
            return HealthResponse(status=HealthStatus.OK, message=f"ranks by words: {failure}")
        return HealthResponse(status=HealthStatus.OK)

    async def lean_chat(self, body: Mapping[str, Any]) -> AsyncIterator[LeanDelta]:
        """Stream one answer; see `lightspeed_stack_providers.lean.LeanChat`."""
        if body.get("model") != MODEL_NAME:
            raise UpstreamModelUnknown(f"{body.get('model')}: the only model is {MODEL_NAME}")
        yield LeanDelta()
        answer = await self._answer(
            body["messages"], body.get("max_completion_tokens") or body.get("max_tokens")
        )
        yield LeanDelta(tokens=answer.tokens)
        yield LeanDelta(
            finish_reason=answer.finish_reason,
            usage=(answer.prompt_tokens, len(answer.tokens)),
        )

    @override
    async def openai_chat_completion(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletion | AsyncIterator[OpenAIChatCompletionChunk]:
        if params.model != MODEL_NAME:
            raise ModelNotFoundError(params.model)
        messages = [message.model_dump(exclude_none=True) for message in params.messages]
        answer = await self._answer(messages, params.max_completion_tokens or params.max_tokens)
        return _chunks(answer) if params.stream else _completion(answer)

    async def _answer(
        self, messages: Sequence[Mapping[str, Any]], max_tokens: int | None
    ) -> Answer:
        tokens, finish_reason = cut_answer(await self._text(messages), max_tokens)
        return Answer(tokens, finish_reason, count_prompt_tokens(messages))

    async def _text(self, messages: Sequence[Mapping[str, Any]]) -> str:
        prompt = read_prompt(messages)
        if not prompt.question:
            return NOTHING_ASKED
        if not prompt.passages:
            return NOTHING_GIVEN
        candidates = await self._in_thread(partial(shortlist, prompt.question, prompt.passages))
        cosines = None
        if self._similarity and candidates:
            texts = [candidate.unit.text for candidate in candidates]
            cosines = await self._similarity.cosines(self.model_store, prompt.question, texts)
        quotes = best_quotes(candidates, cosines, self._config.threshold)
        return render_quotes(quotes) if quotes else NOT_ANSWERED

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    @override
    async def list_models(self) -> list[Model]:
        return [
            Model(
                identifier=MODEL_NAME,
                provider_id=self.__provider_id__,
                provider_resource_id=MODEL_NAME,
                model_type=ModelType.llm,
                metadata={
                    "context_length": _CONTEXT_LENGTH,
                    "extractive": True,
                    "takes_images": False,
                    "calls_tools": False,
                },
            )
        ]


def _head() -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": MODEL_NAME}


def _usage(answer: Answer) -> dict[str, int]:
    completion = len(answer.tokens)
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
    }


def _completion(answer: Answer) -> OpenAIChatCompletion:
    choice = {
        "index": 0,
        "finish_reason": answer.finish_reason,
        "message": {"role": "assistant", "content": answer.text},
    }
    return OpenAIChatCompletion.model_validate(
        {**_head(), "choices": [choice], "usage": _usage(answer)}
    )


async def _chunks(answer: Answer) -> AsyncIterator[OpenAIChatCompletionChunk]:
    head = _head()
    for token in answer.tokens:
        delta = {"role": "assistant", "content": token}
        yield OpenAIChatCompletionChunk.model_validate(
            {**head, "choices": [{"index": 0, "delta": delta}]}
        )
    last = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
    yield OpenAIChatCompletionChunk.model_validate(
        {**head, "choices": [last], "usage": _usage(answer)}
    )
