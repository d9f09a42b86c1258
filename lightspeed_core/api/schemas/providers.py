"""Bodies of `GET /v1/providers` and `GET /v1/providers/{provider_id}`."""

from typing import Any

from pydantic import BaseModel, Field


class ProviderName(BaseModel):
    """A provider in the list of its API."""

    provider_id: str = Field(examples=["openai"])
    provider_type: str = Field(examples=["remote::openai"])


class ProvidersResponse(BaseModel):
    """The providers by the API that they serve."""

    providers: dict[str, list[ProviderName]]


class ProviderHealth(BaseModel):
    """What a provider said when it was asked."""

    status: str = Field(description="`OK`, `Error` or `Not Implemented`.", examples=["OK"])
    message: str


class ProviderResponse(ProviderName):
    """A provider with its settings, secrets masked."""

    api: str = Field(examples=["inference"])
    config: dict[str, Any]
    health: ProviderHealth
