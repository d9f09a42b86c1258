"""Section `mcp_servers`: servers of tools."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from lightspeed_core.config.section import HttpUrl, Section


class ApprovalPolicy(StrEnum):
    """Whether a person must approve a tool call."""

    ALWAYS = "always"
    NEVER = "never"


class ApprovalByTool(Section):
    """Whether a person must approve a call, by tool."""

    always: tuple[str, ...] = Field(default=(), description="Tools that need an approval.")
    never: tuple[str, ...] = Field(default=(), description="Tools that need none.")

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        if both := set(self.always) & set(self.never):
            listed = ", ".join(repr(name) for name in sorted(both))
            raise ValueError(f"Tools cannot be in both always and never lists: {{{listed}}}")
        return self


class ModelContextProtocolServer(Section):
    """A server of tools that speaks the Model Context Protocol."""

    name: str = Field(min_length=1, description="Its name, shown with its tools.")
    provider_id: str = Field(default="model-context-protocol", description="Kept for older files.")
    url: HttpUrl = Field(description="Its address.")
    authorization_headers: Mapping[str, str] = Field(
        default_factory=dict,
        description="Header → file of its value, or `kubernetes`, `client`, `oauth`.",
    )
    headers: tuple[str, ...] = Field(default=(), description="Headers of the request to pass on.")
    require_approval: ApprovalPolicy | ApprovalByTool = Field(
        default=ApprovalPolicy.NEVER, description="Which tool calls a person must approve."
    )
    timeout: PositiveInt | None = Field(default=None, description="Seconds that a call may take.")

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: tuple[str, ...]) -> tuple[str, ...]:
        seen: set[str] = set()
        for header in headers:
            if not header.strip():
                raise ValueError("Header names must not be empty")
            if header.casefold() in seen:
                raise ValueError(f"Duplicate header name (case-insensitive): '{header}'")
            seen.add(header.casefold())
        return headers
