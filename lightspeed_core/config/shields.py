"""Section `shields`: checks of ours over questions and answers."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lightspeed_core.config.section import Section


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"Invalid regex pattern: {pattern}: {error}") from error
    return pattern


class QuestionValidityConfiguration(Section):
    """A model decides whether a question belongs to the product."""

    model_id: str = Field(min_length=1, description="The model that decides.")
    model_prompt: str | None = Field(
        default=None, description="Its prompt with `${message}`, `${allowed}` and `${rejected}`."
    )
    invalid_question_response: str | None = Field(
        default=None, description="The answer to a question that does not belong."
    )


class RedactionRule(Section):
    """A pattern and what takes its place."""

    pattern: Annotated[str, AfterValidator(_check_pattern)] = Field(
        description="Regular expression."
    )
    replacement: str = Field(description="What takes the place of a match.")
    case_sensitive: bool | None = Field(default=None, description="Unset: as for all rules.")


class RedactionConfiguration(Section):
    """Patterns that are taken out of a question."""

    rules: tuple[RedactionRule, ...] = Field(default=(), description="The rules, in order.")
    case_sensitive: bool = Field(default=False, description="Whether patterns tell case apart.")


class QuestionValidityShield(Section):
    """A shield that keeps to the product."""

    name: str = Field(min_length=1, description="Its name.")
    provider_id: Literal["question_validity"] = Field(description="Kind of shield.")
    config: QuestionValidityConfiguration = Field(description="Its settings.")


class RedactionShield(Section):
    """A shield that takes patterns out of a question."""

    name: str = Field(min_length=1, description="Its name.")
    provider_id: Literal["redaction"] = Field(description="Kind of shield.")
    config: RedactionConfiguration = Field(
        default=RedactionConfiguration(), description="Its settings."
    )


type ShieldConfiguration = Annotated[
    QuestionValidityShield | RedactionShield, Field(discriminator="provider_id")
]


def check_shield_names(shields: tuple[ShieldConfiguration, ...]) -> tuple[ShieldConfiguration, ...]:
    """Refuse two shields of one name.

    Raises:
        ValueError: A name occurs twice.
    """
    names = [shield.name for shield in shields]
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"Shield names must be unique, found duplicates: {duplicates}")
    return shields
