"""Settings of the provider in run.yaml."""

from typing import Final

from pydantic import BaseModel, ConfigDict

DEFAULT_RESPONSE: Final = (
    "I cannot follow this: it asks me to set my instructions aside or to show them. "
    "Please put your question in other words."
)


class InjectionRulesConfig(BaseModel):
    """What is said to a question that gives orders about the assistant itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    response: str = DEFAULT_RESPONSE
