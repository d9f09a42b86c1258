"""The stack's safety API over one question to a model."""

from typing import Any, override

from llama_stack_api import (
    Api,
    OpenAIChatCompletionRequestWithExtraBody,
    OpenAIUserMessageParam,
)

from lightspeed_stack_providers.question_validity.config import QuestionValidityConfig
from lightspeed_stack_providers.question_validity.prompt import is_allowed, write_prompt
from lightspeed_stack_providers.text_shield import Blocked, TextShield


class QuestionValidity(TextShield):
    """Refuses a question that the model does not allow; answers and documents pass."""

    def __init__(self, config: QuestionValidityConfig, deps: dict[Any, Any]) -> None:
        self._config = config
        self._inference = deps[Api.inference]

    @override
    async def judge(self, text: str, role: str) -> Blocked | None:
        """Ask the model about a user's text. Raises what the model's provider raises."""
        if role != "user":
            return None
        answer = await self._inference.openai_chat_completion(
            OpenAIChatCompletionRequestWithExtraBody(
                model=self._config.model_id,
                messages=[
                    OpenAIUserMessageParam(content=write_prompt(self._config.model_prompt, text))
                ],
                stream=False,
                temperature=0.0,
            )
        )
        if is_allowed(answer.choices[0].message.content or ""):
            return None
        return Blocked(self._config.invalid_question_response, "question_validity")
