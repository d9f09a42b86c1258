"""Bodies of `GET /v1/models`, for clients of this service and for OpenAI's."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelFilter(BaseModel):
    """Query parameters; others are refused."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model_type: str | None = Field(default=None, description="`llm` or `embedding`.")
    # Read by the `noop` modules on every route; named here since others are refused.
    user_id: str | None = Field(
        default=None,
        description="The caller, where authentication is `noop`.",
        json_schema_extra={"minLength": 1},
    )


class Model(BaseModel):
    """A model in the words of this service."""

    model_config = ConfigDict(protected_namespaces=())

    identifier: str = Field(examples=["openai/gpt-4-turbo"])
    metadata: dict[str, Any]
    api_model_type: str
    provider_id: str
    type: Literal["model"]
    provider_resource_id: str
    model_type: str


class OpenAIModel(BaseModel):
    """A model in OpenAI's words; `created` is 0, for Llama Stack does not know it."""

    id: str = Field(examples=["openai/gpt-4-turbo"])
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsResponse(BaseModel):
    """The models, twice."""

    object: Literal["list"]
    data: list[OpenAIModel]
    models: list[Model]
