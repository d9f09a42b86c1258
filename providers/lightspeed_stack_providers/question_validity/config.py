"""Settings of the provider in run.yaml."""

from pydantic import BaseModel, ConfigDict, Field

from lightspeed_stack_providers.question_validity.prompt import (
    DEFAULT_PROMPT,
    DEFAULT_REFUSAL,
)


class QuestionValidityConfig(BaseModel):
    """Who decides, what it is asked, and what is said to a question that does not belong."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_id: str = Field(min_length=1)
    model_prompt: str = DEFAULT_PROMPT
    invalid_question_response: str = DEFAULT_REFUSAL
