"""Which headers go to a server: one function for turns and for lists of tools.

It knows what a request brought and what a server asks for. Nothing goes to a server that does
not ask for it or that the caller did not name.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.mcp.models import AuthorizationKind
from lightspeed_core.mcp.servers import ToolServer

AUTHORIZATION: Final = "authorization"
DEFAULT_SCHEME: Final = "Bearer"

# RFC 9110, 7.6.1, what else belongs to one connection, and what the protocol itself writes.
_NEVER: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "last-event-id",
        "mcp-protocol-version",
        "mcp-session-id",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
# RFC 9110, 5.5, without what is not ASCII.
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_SCHEMED: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+(\S.*)")
_LONGEST_VALUE: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerHeaders:
    """What a request brings: its own headers, and those of `MCP-HEADERS` by server.

    `token` is the bearer token that the authentication module keeps. Names in `request` are in
    lower case.
    """

    user_id: str
    token: str = field(default="", repr=False)
    client: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]], repr=False
    )
    request: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHeaders:
    """What goes to a server, by name; what it needs and nobody gave; what may never be sent."""

    values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    missing: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 of names and values; nobody reads the values off it."""
        seen = sorted((name.lower(), value) for name, value in self.values.items())
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def resolve_headers(server: ToolServer, caller: CallerHeaders) -> ServerHeaders:
    """Put together what goes to a server; of several values for a name the first counts.

    The order: what the client names the server for, the files of the configuration, the caller's
    token, headers of the request. A missing `oauth` header is not missing: the server is asked
    without it, and says how to get it.
    """
    found: dict[str, tuple[str, str]] = {}
    refused: list[str] = []
    for name, value in _given(server, caller):
        if not _is_sendable(name, value):
            refused.append(name)
        else:
            found.setdefault(name.lower(), (name, value))
    needed = (*server.kinds, *server.secrets, *server.unreadable)
    return ServerHeaders(
        values=dict(_written(name, value) for name, value in found.values()),
        missing=tuple(
            name
            for name in needed
            if name.lower() not in found and server.kinds.get(name) is not AuthorizationKind.OAUTH
        ),
        refused=tuple(refused),
    )


def unknown_servers(servers: Mapping[str, ToolServer], caller: CallerHeaders) -> tuple[str, ...]:
    """Return the names in `MCP-HEADERS` that stand for no server."""
    if not caller.client:
        return ()
    known = {*servers, *(server.url for server in servers.values())}
    return tuple(name for name in caller.client if name not in known)


def _given(server: ToolServer, caller: CallerHeaders) -> Iterator[tuple[str, str]]:
    yield from _named(server, caller).items()
    yield from server.secrets.items()
    # Whoever registers a server must not be handed the credentials of everybody else.
    if server.registered_by not in {None, caller.user_id}:
        return
    if caller.token:
        for name, kind in server.kinds.items():
            if kind is AuthorizationKind.KUBERNETES:
                yield name, caller.token
    for name in server.forwarded:
        value = caller.request.get(name.lower())
        if value is not None:
            yield name, value


def _named(server: ToolServer, caller: CallerHeaders) -> Mapping[str, str]:
    """Return what `MCP-HEADERS` holds for the server."""
    return caller.client.get(server.name) or caller.client.get(server.url) or {}


def _is_sendable(name: str, value: str) -> bool:
    return (
        name.lower() not in _NEVER
        and _NAME.fullmatch(name) is not None
        and len(value) <= _LONGEST_VALUE
        and _VALUE.fullmatch(value) is not None
    )


def _written(name: str, value: str) -> tuple[str, str]:
    """Give credentials their scheme; clients send them with one, without one, or with two."""
    if name.lower() != AUTHORIZATION:
        return name, value
    scheme, credentials = _split(value)
    inner, rest = _split(credentials)
    return name, f"{inner} {rest}" if inner else f"{scheme or DEFAULT_SCHEME} {credentials}"


def _split(value: str) -> tuple[str, str]:
    match = _SCHEMED.fullmatch(value)
    return (match[1], match[2]) if match else ("", value)
