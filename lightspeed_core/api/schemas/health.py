"""Bodies of the probes."""

from enum import StrEnum

from pydantic import BaseModel, Field


class OverallStatus(StrEnum):
    """How well the service can do its work."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class ProviderStatus(BaseModel):
    """A provider that is not well."""

    provider_id: str
    status: str = Field(examples=["Error"])
    message: str


class ReadinessResponse(BaseModel):
    """Whether questions can be answered."""

    ready: bool
    reason: str = Field(examples=["All providers are healthy"])
    overall_status: OverallStatus
    impacts: list[str] | None = Field(description="What does not work.")
    providers: list[ProviderStatus] = Field(description="The providers that are not well.")


class LivenessResponse(BaseModel):
    """Whether the process answers."""

    alive: bool
