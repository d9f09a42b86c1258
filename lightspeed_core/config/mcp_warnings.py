"""What an operator is told of servers of tools that cannot be used as configured."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lightspeed_core.config.authentication import AuthenticationModule
from lightspeed_core.config.mcp import (
    HEADER_KINDS,
    McpConfiguration,
    ModelContextProtocolServer,
    read_secret,
)

KEEPS_TOKEN = frozenset({AuthenticationModule.K8S, AuthenticationModule.NOOP_WITH_BEARER})
"""Modules that keep the caller's token, which `kubernetes` passes on."""


def describe_mcp(
    servers: Sequence[ModelContextProtocolServer],
    settings: McpConfiguration,
    module: AuthenticationModule,
) -> Iterator[str]:
    """Say which servers are left out, and which lack a secret."""
    for index, server in enumerate(servers):
        where = f"mcp_servers[{index}] ('{server.name}')"
        if "kubernetes" in server.authorization_headers.values() and module not in KEEPS_TOKEN:
            yield (
                f"{where} is left out: it asks for the caller's token, which authentication "
                f"module '{module}' does not keep; 'k8s' and 'noop-with-token' do"
            )
        if server.command is not None and not settings.allow_stdio:
            yield f"{where} is left out: it is a command, and mcp.allow_stdio is false"
        for header, value in server.authorization_headers.items():
            if value not in HEADER_KINDS and not read_secret(Path(value)):
                yield (
                    f"{where} lacks {header}: {value} cannot be read or is empty; its tools are "
                    "left out unless a client sends the header"
                )
