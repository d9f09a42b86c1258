"""What the store of registered servers keeps. There is no place in it for a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class AuthorizationKind(StrEnum):
    """Where the value of a header comes from when a server is called."""

    CLIENT = "client"
    KUBERNETES = "kubernetes"
    OAUTH = "oauth"


class ServerSource(StrEnum):
    """Who made a server known: the configuration, or a caller of the API."""

    CONFIG = "config"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A server and how it is reached; `timeout` of a call is in seconds.

    `authorization_headers` are kinds by the name of the header, `headers` the names of those that
    are passed on.
    """

    name: str
    url: str
    provider_id: str = "model-context-protocol"
    authorization_headers: Mapping[str, AuthorizationKind] = field(
        default_factory=dict[str, AuthorizationKind]
    )
    headers: tuple[str, ...] = ()
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredServer:
    """A server that was registered, by whom and when."""

    server: McpServer
    source: ServerSource
    registered_by: str
    registered_at: datetime
