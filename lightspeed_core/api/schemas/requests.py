"""What all bodies of requests have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticKnownError


class RequestBody(BaseModel):
    """A body that may hold the declared fields alone."""

    model_config = ConfigDict(extra="forbid")


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticKnownError("int_type")
    return value


Integer = Annotated[int, BeforeValidator(_number)]
"""A whole number as JSON has it: 1 and 1.0, but neither "1" nor true."""
