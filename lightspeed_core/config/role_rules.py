"""Rules that give roles to the claims of a token; part of section `authentication`."""

import re
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from lightspeed_core.config.search_pattern import SearchPattern
from lightspeed_core.config.section import Section


class JsonPathOperator(StrEnum):
    """How the matches of a JSONPath are compared with the rule's value."""

    EQUALS = "equals"
    CONTAINS = "contains"
    IN = "in"
    MATCH = "match"


class JwtRoleRule(Section):
    """Roles for the callers whose claims fit."""

    jsonpath: str = Field(min_length=1, description="JSONPath over the claims of the token.")
    operator: JsonPathOperator = Field(description="How matches and value are compared.")
    negate: bool = Field(
        default=False, description="Whether the rule fits when the comparison does not."
    )
    value: Any = Field(description="What the list of matches is compared with.")
    roles: tuple[str, ...] = Field(description="Roles that the rule gives.")

    @field_validator("jsonpath")
    @classmethod
    def _check_jsonpath(cls, expression: str) -> str:
        from jsonpath_ng.exceptions import JSONPathError
        from jsonpath_ng.parser import parse

        try:
            parse(expression)
        except JSONPathError as error:
            raise ValueError(f"Invalid JSONPath expression: {expression}: {error}") from error
        return expression

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        if not self.roles:
            raise ValueError("At least one role must be specified in the rule")
        if len(set(self.roles)) != len(self.roles):
            raise ValueError("Roles must be unique in the rule")
        if "*" in self.roles:
            raise ValueError(
                "The wildcard '*' role is not allowed in role rules, "
                "everyone automatically gets this role"
            )
        return self

    @model_validator(mode="after")
    def _check_pattern(self) -> Self:
        if self.operator is not JsonPathOperator.MATCH:
            return self
        pattern = self.value if isinstance(self.value, str) else None
        if pattern is None:
            raise ValueError(
                f"MATCH operator requires a string pattern, {type(self.value).__name__}"
            )
        try:
            SearchPattern(pattern)
        except re.error as error:
            raise ValueError(
                f"Invalid regex pattern for MATCH operator: {self.value}: {error}"
            ) from error
        return self

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if self.operator is JsonPathOperator.IN and not isinstance(self.value, list):
            raise ValueError(
                "IN operator requires a list of lists of matches, such as [[a], [b]], "
                f"{type(self.value).__name__}"
            )
        return self
