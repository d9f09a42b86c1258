"""A server of tools as it is called, wherever it was made known. It opens no connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from lightspeed_core.config.mcp import ApprovalByTool, ApprovalPolicy
from lightspeed_core.mcp.models import AuthorizationKind, RegisteredServer, ServerSource

MASK: Final = "***"


class Transport(StrEnum):
    """How a server is spoken to; `auto` tries streamable HTTP and then SSE, as MCP asks."""

    AUTO = "auto"
    STREAMABLE_HTTP = "streamable_http"
    SSE = "sse"
    STDIO = "stdio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is started for a server that speaks over its standard streams."""

    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """A server and what is sent to it.

    `secrets` are values by header, `kinds` say where other values come from, `unreadable` names
    headers whose file gave no value; `forwarded` are passed on where a request has them. `timeout`
    of a call is in seconds. `registered_by` is None for a server of the configuration.
    """

    name: str
    url: str = ""
    source: ServerSource = ServerSource.CONFIG
    provider_id: str = "model-context-protocol"
    transport: Transport = Transport.AUTO
    command: Command | None = None
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    kinds: Mapping[str, AuthorizationKind] = field(default_factory=dict[str, AuthorizationKind])
    unreadable: tuple[str, ...] = ()
    forwarded: tuple[str, ...] = ()
    approval: ApprovalPolicy | ApprovalByTool = ApprovalPolicy.NEVER
    timeout: int | None = None
    registered_by: str | None = None

    @property
    def place(self) -> str:
        """Where it is, as callers are told: without what only the server should know."""
        return without_credentials(self.url) or Transport.STDIO.value

    @property
    def is_trusted(self) -> bool:
        """Say whether its address is the operator's own, and may be private."""
        return self.source is ServerSource.CONFIG

    @property
    def client_headers(self) -> tuple[str, ...]:
        """Headers whose values a client sends with each request."""
        return tuple(name for name, kind in self.kinds.items() if kind is AuthorizationKind.CLIENT)

    def needs_approval(self, tool: str) -> bool:
        """Say whether a person must allow each call; what no list names is not left to chance."""
        if isinstance(self.approval, ApprovalByTool):
            return tool not in self.approval.never
        return self.approval is ApprovalPolicy.ALWAYS


def without_credentials(url: str) -> str:
    """Mask user, password and the values of a query, where people write keys."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    query = "&".join(f"{name}={MASK}" if value else name + sign for name, sign, value in pairs)
    return urlunsplit(parts._replace(netloc=f"{MASK}@{host}" if at else host, query=query))


def of_registration(registered: RegisteredServer) -> ToolServer:
    """Return a server that a caller of the API made known."""
    server = registered.server
    return ToolServer(
        name=server.name,
        url=server.url,
        source=registered.source,
        provider_id=server.provider_id,
        kinds=server.authorization_headers,
        forwarded=server.headers,
        timeout=server.timeout,
        registered_by=registered.registered_by,
    )
