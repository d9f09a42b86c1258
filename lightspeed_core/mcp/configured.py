"""The servers of the configuration, with the secrets of their files. It calls none of them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lightspeed_core.config.mcp import (
    HEADER_KINDS,
    McpTransport,
    ModelContextProtocolServer,
    read_secret,
)
from lightspeed_core.mcp.models import AuthorizationKind
from lightspeed_core.mcp.servers import Command, ToolServer, Transport


def configured_servers(
    sections: Iterable[ModelContextProtocolServer], *, forwards_token: bool, allows_commands: bool
) -> Iterator[ToolServer]:
    """Return the servers that can be used.

    Left out are those that need the caller's token where no module keeps it, and those that are
    commands where none may be started. The configuration's own warnings name them.
    """
    for section in sections:
        kinds = _kinds(section.authorization_headers)
        if AuthorizationKind.KUBERNETES in kinds.values() and not forwards_token:
            continue
        if section.command is not None and not allows_commands:
            continue
        yield _server(section, kinds)


def _server(
    section: ModelContextProtocolServer, kinds: Mapping[str, AuthorizationKind]
) -> ToolServer:
    files = {
        header: read_secret(Path(value))
        for header, value in section.authorization_headers.items()
        if header not in kinds
    }
    return ToolServer(
        name=section.name,
        url=section.url or "",
        provider_id=section.provider_id,
        transport=_transport(section),
        command=_command(section),
        secrets={header: secret for header, secret in files.items() if secret},
        kinds=kinds,
        unreadable=tuple(header for header, secret in files.items() if not secret),
        forwarded=section.headers,
        approval=section.require_approval,
        timeout=section.timeout,
    )


def _kinds(headers: Mapping[str, str]) -> dict[str, AuthorizationKind]:
    return {
        header: AuthorizationKind(value)
        for header, value in headers.items()
        if value in HEADER_KINDS
    }


def _transport(section: ModelContextProtocolServer) -> Transport:
    if section.command is not None:
        return Transport.STDIO
    if section.transport is McpTransport.AUTO:
        return Transport.AUTO
    return Transport(section.transport.value)


def _command(section: ModelContextProtocolServer) -> Command | None:
    if section.command is None:
        return None
    return Command(
        program=section.command,
        arguments=section.args,
        environment={name: value.get_secret_value() for name, value in section.env.items()},
    )
