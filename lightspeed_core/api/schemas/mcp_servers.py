"""Bodies of `/v1/mcp-servers` and `/v1/mcp-auth/client-options`."""

from collections.abc import Iterable
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from lightspeed_core.api.schemas.identifiers import Text
from lightspeed_core.api.schemas.requests import Integer, RequestBody
from lightspeed_core.mcp.models import AuthorizationKind, McpServer, ServerSource
from lightspeed_core.mcp.servers import ToolServer

_LONGEST_NAME: Final = 256
_LONGEST_URL: Final = 8192
_LONGEST_TIMEOUT: Final = 86_400
_MOST_HEADERS: Final = 64
_KINDS: Final = ", ".join(repr(kind.value) for kind in AuthorizationKind)


def _check_url(url: str) -> str:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        raise ValueError("URL must use http:// or https:// scheme")
    return url


def _check_kind(kind: str) -> str:
    if kind not in set(AuthorizationKind):
        raise ValueError(
            f"Dynamic registration does not support file paths; a value is one of {_KINDS}"
        )
    return kind


HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")]
Kind = Annotated[
    str,
    AfterValidator(_check_kind),
    Field(json_schema_extra={"enum": [kind.value for kind in AuthorizationKind]}),
]

_HeaderNames = Annotated[list[HeaderName], Field(max_length=_MOST_HEADERS)]
_Seconds = Annotated[
    Integer,
    Field(
        gt=0,
        le=_LONGEST_TIMEOUT,
        json_schema_extra={"exclusiveMinimum": 0, "maximum": _LONGEST_TIMEOUT},
    ),
]


class McpServerRequest(RequestBody):
    """A server to register."""

    name: Text = Field(
        min_length=1,
        max_length=_LONGEST_NAME,
        description="Its name, which no other server has.",
        examples=["github"],
    )
    url: Annotated[str, AfterValidator(_check_url)] = Field(
        max_length=_LONGEST_URL,
        description="Its address; private ones must be in `outbound.allowed_private`.",
        examples=["https://mcp.example.com/mcp"],
        json_schema_extra={"pattern": "^https?://"},
    )
    provider_id: Text = Field(
        default="model-context-protocol", max_length=_LONGEST_NAME, description="Kept and shown."
    )
    authorization_headers: dict[HeaderName, Kind] | None = Field(
        default=None,
        max_length=_MOST_HEADERS,
        description="Header → where its value comes from: `client`, `kubernetes` or `oauth`.",
        examples=[{"Authorization": "client"}],
    )
    headers: _HeaderNames | None = Field(
        default=None,
        description="Headers of requests to pass on, for the user who registers the server.",
        examples=[["x-request-id"]],
    )
    timeout: _Seconds | None = Field(default=None, description="Seconds that a call may take.")

    def server(self) -> McpServer:
        """Say the same in the words of the domain."""
        kinds = (self.authorization_headers or {}).items()
        return McpServer(
            name=self.name,
            url=self.url,
            provider_id=self.provider_id,
            authorization_headers={name: AuthorizationKind(kind) for name, kind in kinds},
            headers=_each_once(self.headers or ()),
            timeout=self.timeout,
        )


def _each_once(headers: Iterable[str]) -> tuple[str, ...]:
    """Drop names that come again, for their case makes no difference (RFC 9110, 5.1)."""
    return tuple({header.casefold(): header for header in headers}.values())


class McpServerRegistered(BaseModel):
    """A server that is registered now."""

    name: str = Field(examples=["github"])
    url: str = Field(examples=["https://mcp.example.com/mcp"])
    provider_id: str = Field(examples=["model-context-protocol"])
    message: str = Field(examples=["MCP server 'github' registered successfully"])

    @classmethod
    def of(cls, server: McpServer) -> Self:
        """Put it into the wire's shape."""
        return cls(
            name=server.name,
            url=server.url,
            provider_id=server.provider_id,
            message=f"MCP server '{server.name}' registered successfully",
        )


class McpServerInfo(BaseModel):
    """A server; `url` is `stdio` for one that is a command."""

    name: str = Field(examples=["github"])
    url: str = Field(examples=["https://mcp.example.com/mcp"])
    provider_id: str = Field(examples=["model-context-protocol"])
    source: ServerSource = Field(description="Who made it known.", examples=["config"])


class McpServersResponse(BaseModel):
    """All servers."""

    servers: list[McpServerInfo]

    @classmethod
    def of(cls, servers: Iterable[ToolServer]) -> Self:
        """Put them into the wire's shape."""
        return cls(
            servers=[
                McpServerInfo(
                    name=server.name,
                    url=server.place,
                    provider_id=server.provider_id,
                    source=server.source,
                )
                for server in servers
            ]
        )


class McpServerDeleted(BaseModel):
    """Whether there was a server to delete."""

    name: str = Field(examples=["github"])
    deleted: bool = Field(examples=[True])
    response: str = Field(examples=["MCP server deleted successfully"])

    @classmethod
    def of(cls, name: str, *, deleted: bool) -> Self:
        """Put it into the wire's shape."""
        told = "MCP server deleted successfully" if deleted else "MCP server not found"
        return cls(name=name, deleted=deleted, response=told)


class ClientOptions(BaseModel):
    """A server, and the headers that a client sends for it in `MCP-HEADERS`."""

    name: str = Field(examples=["github"])
    client_auth_headers: list[str] = Field(examples=[["Authorization"]])


class ClientOptionsResponse(BaseModel):
    """The servers that want headers of the client."""

    servers: list[ClientOptions]

    @classmethod
    def of(cls, servers: Iterable[ToolServer]) -> Self:
        """Leave out the servers that want none."""
        options = [
            ClientOptions(name=server.name, client_auth_headers=list(server.client_headers))
            for server in servers
            if server.client_headers
        ]
        return cls(servers=options)
