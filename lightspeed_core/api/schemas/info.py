"""Body of `GET /v1/info`."""

from pydantic import BaseModel, Field


class InfoResponse(BaseModel):
    """Who answers here."""

    name: str = Field(description="Name of the service.", examples=["Lightspeed Core Service"])
    service_version: str = Field(examples=["0.1.0"])
    llama_stack_version: str = Field(examples=["0.7.3"])
