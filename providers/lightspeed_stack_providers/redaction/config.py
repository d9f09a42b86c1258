"""Settings of the provider in run.yaml."""

import re
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lightspeed_stack_providers.patterns import compile_pattern
from lightspeed_stack_providers.redaction.detectors import Detector

KEY_VARIABLE: Final = "LIGHTSPEED_PLACEHOLDER_KEY"
"""The environment variable by which several processes give a value the same placeholder."""


class Rule(BaseModel):
    """A pattern and what takes its place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    replacement: str
    case_sensitive: bool | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_rule(self.pattern, self.replacement)
        return self


class RedactionConfig(BaseModel):
    """What is taken out. `seconds` bounds the computing that a text may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = ()
    case_sensitive: bool = False
    detect: tuple[Detector, ...] = ()
    reversible: bool = False
    seconds: float = Field(default=1.0, gt=0)


def check_rule(pattern: str, replacement: str) -> None:
    """Raise `ValueError` for a pattern or a replacement that cannot be used."""
    try:
        compile_pattern(pattern)
    except re.error as error:
        raise ValueError(f"Invalid regex pattern: {pattern}: {error}") from error
    try:
        re.compile(pattern).sub(replacement, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"Invalid replacement: {replacement}: {error}") from error
