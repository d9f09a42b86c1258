"""Bodies around `POST /v1/streaming_query`; the events themselves are in `docs/events.md`."""

from pydantic import BaseModel, Field, field_validator

from lightspeed_core.api.schemas.identifiers import UUID_PATTERN, normal_turn_id
from lightspeed_core.api.schemas.requests import RequestBody


class InterruptRequest(RequestBody):
    """Which stream to stop."""

    request_id: str = Field(
        description="The `request_id` of the `start` event.",
        examples=["9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"],
        json_schema_extra={"pattern": UUID_PATTERN},
    )

    @field_validator("request_id")
    @classmethod
    def _check_request_id(cls, value: str) -> str:
        return normal_turn_id(value)


class InterruptResponse(BaseModel):
    """What the wish to stop came to."""

    request_id: str
    interrupted: bool
    message: str
