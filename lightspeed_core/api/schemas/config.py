"""Body of `GET /v1/config`."""

from typing import Any

from pydantic import BaseModel, Field


class ConfigResponse(BaseModel):
    """The configuration in force, defaults filled in."""

    configuration: dict[str, Any] = Field(description="By section; secrets are `**********`.")
