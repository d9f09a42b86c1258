"""Bodies of errors."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ErrorDetail(BaseModel):
    """The two texts of an error."""

    response: str = Field(description="What went wrong, short and stable.")
    cause: str = Field(description="What exactly happened.")


class ErrorBody(BaseModel):
    """An error."""

    detail: ErrorDetail


class ValidationEntry(BaseModel):
    """One fault of a request."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Kind of fault.")
    loc: list[str | int] = Field(description="Where it is, from the outside in.")
    msg: str = Field(description="What is wrong.")
    input: Any = Field(default=None, description="What was sent there.")


class ValidationErrorBody(BaseModel):
    """Every fault of a request that has not the right form."""

    detail: list[ValidationEntry]


class Problem(BaseModel):
    """An error in the form of RFC 9457, sent to clients that accept it."""

    type: str = Field(description="URN of the kind of error.")
    title: str = Field(description="The kind of error in words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What exactly happened.")
    response: str | None = Field(default=None, description="What went wrong, short and stable.")
    errors: list[dict[str, Any]] | None = Field(
        default=None, description="Every fault of a request that has not the right form."
    )
