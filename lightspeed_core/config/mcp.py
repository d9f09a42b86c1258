"""Sections `mcp_servers` and `mcp`: servers of tools, and how they are called."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator, model_validator

from lightspeed_core.config.section import HttpUrl, Section

HEADER_KINDS: Final = frozenset({"client", "kubernetes", "oauth"})
"""Values of `authorization_headers` that are no files."""


class ApprovalPolicy(StrEnum):
    """Whether a person must approve a tool call."""

    ALWAYS = "always"
    NEVER = "never"


class McpTransport(StrEnum):
    """How a server is spoken to over HTTP."""

    AUTO = "auto"
    STREAMABLE_HTTP = "streamable_http"
    SSE = "sse"


class ApprovalByTool(Section):
    """Whether a person must approve a call, by tool; a tool in neither list needs an approval."""

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
    url: HttpUrl | None = Field(default=None, description="Its address, unless it is a command.")
    transport: McpTransport = Field(
        default=McpTransport.AUTO,
        description="How its address is spoken to; `auto` tries streamable HTTP, then SSE.",
    )
    command: str | None = Field(
        default=None,
        min_length=1,
        description="Program to start instead of calling an address; needs `mcp.allow_stdio`.",
    )
    args: tuple[str, ...] = Field(default=(), description="Arguments of the command.")
    env: Mapping[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        description="Variables of the command, besides `HOME`, `PATH` and the like.",
    )
    authorization_headers: Mapping[str, str] = Field(
        default_factory=dict,
        description="Header → file of its value, or `kubernetes`, `client`, `oauth`.",
    )
    headers: tuple[str, ...] = Field(default=(), description="Headers of the request to pass on.")
    require_approval: ApprovalPolicy | ApprovalByTool = Field(
        default=ApprovalPolicy.NEVER, description="Which tool calls a person must approve."
    )
    timeout: PositiveInt | None = Field(
        default=None, description="Seconds that a call may take; without it `mcp.call_seconds`."
    )

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

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError("a server has either a url or a command")
        if self.command is None and (self.args or self.env):
            raise ValueError("args and env belong to a command")
        if self.command is not None and (self.authorization_headers or self.headers):
            raise ValueError("a command takes no headers; hand it what it needs in env")
        return self


class McpConfiguration(Section):
    """How servers of tools are called."""

    allow_stdio: bool = Field(
        default=False, description="Start the servers that are commands, on this machine."
    )
    connect_seconds: PositiveFloat = Field(
        default=5.0, description="How long connection and handshake may take."
    )
    call_seconds: PositiveFloat = Field(
        default=60.0, description="How long a call may take, where the server has no `timeout`."
    )
    tools_cached_seconds: float = Field(
        default=60.0, ge=0, description="How long a server's list of tools is good."
    )
    max_tools: PositiveInt = Field(
        default=120,
        description="How many tools of all servers together a model is offered; many take 128 "
        "in all.",
    )
    max_result_chars: PositiveInt = Field(
        default=50_000, description="How much of a result the model is given; the rest is cut off."
    )


def check_server_names(
    servers: tuple[ModelContextProtocolServer, ...],
) -> tuple[ModelContextProtocolServer, ...]:
    """Raise `ValueError` when two servers have one name."""
    seen: set[str] = set()
    for server in servers:
        if server.name in seen:
            raise ValueError(f"two servers are named '{server.name}'; each needs its own name")
        seen.add(server.name)
    return servers


def read_secret(file: Path) -> str:
    """Return what a file holds, trimmed; empty when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
