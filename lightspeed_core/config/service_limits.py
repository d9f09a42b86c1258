"""Section `service.limits`: what one process takes from clients before it refuses."""

from typing import Final, Self

from pydantic import Field, PositiveInt, model_validator

from lightspeed_core.config.section import Section

_MIB: Final = 1024 * 1024
_DEEPEST_JSON: Final = 1000
"""What the JSON parser itself can read, 1024 levels, less a margin."""


class ServiceLimits(Section):
    """What one process takes from clients before it refuses."""

    # The largest image that may be attached, in base64, with room for what accompanies it.
    max_body_bytes: PositiveInt = Field(
        default=192 * _MIB, description="Size of a request's body; a larger one is status 413."
    )
    max_file_bytes: PositiveInt = Field(
        default=100 * _MIB, description="Size of a file that is handed over; beyond it 413."
    )
    max_held_bytes: PositiveInt = Field(
        default=512 * _MIB,
        description="Size of all bodies that are held at a time; beyond it the answer is 503.",
    )
    max_json_depth: PositiveInt = Field(
        default=64, le=_DEEPEST_JSON, description="Nesting of a JSON body; a deeper one is 422."
    )
    max_json_values: PositiveInt = Field(
        default=65_536, description="Values in a JSON body; one that has more is 422."
    )
    max_header_bytes: PositiveInt = Field(
        default=65_536, description="Size of a request line with all headers; beyond it 431."
    )
    max_headers: PositiveInt = Field(
        default=100, description="Headers of a request; one that has more is 431."
    )
    header_timeout_seconds: PositiveInt = Field(
        default=20, description="How long a request line with its headers may take to arrive."
    )
    body_timeout_seconds: PositiveInt = Field(
        default=20,
        description="How long a body may stay below `min_body_bytes_per_second`; then it is 408.",
    )
    min_body_bytes_per_second: PositiveInt = Field(
        default=500, description="Slowest pace at which a body may arrive."
    )
    keep_alive_seconds: PositiveInt = Field(
        default=75, description="How long a connection stays open for the next request."
    )
    max_connections: PositiveInt = Field(
        default=4096,
        description="Open connections; for one more, the one idle for longest is closed.",
    )

    max_streams: PositiveInt = Field(
        default=2000,
        description="Turns that run at a time, however they are asked for; one more is 503. As "
        "many streams can be read again besides.",
    )
    max_streams_per_user: PositiveInt = Field(
        default=1000, description="The same for each user; one more is 429."
    )

    @model_validator(mode="after")
    def _check_bodies(self) -> Self:
        if self.max_held_bytes < self.max_body_bytes:
            raise ValueError("max_held_bytes must not be less than max_body_bytes")
        return self
