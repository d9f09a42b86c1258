"""Section `shields`: checks of ours over questions and answers."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from lightspeed_core.config.section import Section
from lightspeed_stack_providers.redaction.config import check_rule
from lightspeed_stack_providers.redaction.detectors import Detector

_NAME: Final = (
    "Its name, which says what it looks at: the answer where it begins with `output_`, question "
    "and answer with `inout_`, else the question."
)


class QuestionValidityConfiguration(Section):
    """A model decides whether a question belongs to the product."""

    model_id: str = Field(min_length=1, description="The model that decides, `provider/model`.")
    model_prompt: str | None = Field(
        default=None,
        description="Its prompt with `${message}`, `${allowed}` and `${rejected}`; the answer must "
        "be the word for `${allowed}`, or the question is refused.",
    )
    invalid_question_response: str | None = Field(
        default=None, description="The answer to a question that does not belong."
    )


class RedactionRule(Section):
    """A pattern and what takes its place."""

    pattern: str = Field(description="Regular expression, as Python's `re` reads it.")
    replacement: str = Field(
        description="What takes the place of a match; `\\\\1` and `\\\\g<name>` stand for groups."
    )
    case_sensitive: bool | None = Field(default=None, description="Unset: as for all rules.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_rule(self.pattern, self.replacement)
        return self


class RedactionConfiguration(Section):
    """What is taken out of questions, and with a name that begins with `inout_` of answers."""

    rules: tuple[RedactionRule, ...] = Field(default=(), description="The rules, in order.")
    case_sensitive: bool = Field(default=False, description="Whether patterns tell case apart.")
    detect: tuple[Detector, ...] = Field(
        default=(),
        description="Values that are known by their form and checksum; before the rules.",
    )
    reversible: bool = Field(
        default=False,
        description="Whether a placeholder stands for each value, and the user's own stream shows "
        "the value again where the answer repeats the placeholder.",
    )
    seconds: float = Field(
        default=1.0, gt=0, description="Computing that one text may cost, in seconds."
    )


class QuestionValidityShield(Section):
    """A shield that keeps to the product."""

    name: str = Field(min_length=1, description=_NAME)
    provider_id: Literal["question_validity"] = Field(description="Kind of shield.")
    config: QuestionValidityConfiguration = Field(description="Its settings.")


class RedactionShield(Section):
    """A shield that takes values out of texts."""

    name: str = Field(min_length=1, description=_NAME)
    provider_id: Literal["redaction"] = Field(description="Kind of shield.")
    config: RedactionConfiguration = Field(
        default=RedactionConfiguration(), description="Its settings."
    )


class InjectionRulesConfiguration(Section):
    """Fixed rules against orders that are given to the assistant."""

    response: str | None = Field(
        default=None, description="The answer to a question that gives such orders."
    )


class InjectionRulesShield(Section):
    """A shield of fixed rules over questions, documents and results of tools."""

    name: str = Field(min_length=1, description=_NAME)
    provider_id: Literal["injection_rules"] = Field(description="Kind of shield.")
    config: InjectionRulesConfiguration = Field(
        default=InjectionRulesConfiguration(), description="Its settings."
    )


type ShieldConfiguration = Annotated[
    QuestionValidityShield | RedactionShield | InjectionRulesShield,
    Field(discriminator="provider_id"),
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
