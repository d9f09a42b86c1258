"""Body of `GET /v1/shields`."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class Shield(BaseModel):
    """A shield under the keys of older and newer clients: two names, two settings, one value."""

    identifier: str = Field(examples=["question_validity"])
    provider_resource_id: str
    provider_id: str
    type: Literal["shield"]
    params: dict[str, Any]
    name: str
    config: dict[str, Any]


class ShieldsResponse(BaseModel):
    """The shields."""

    shields: list[Shield]
