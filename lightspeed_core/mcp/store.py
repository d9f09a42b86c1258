"""The store of registered servers. One truth for all workers."""

from collections.abc import Sequence
from typing import Protocol

from lightspeed_core.errors import Conflict
from lightspeed_core.mcp.models import McpServer, RegisteredServer, ServerSource


class McpServerStore(Protocol):
    """Keeps servers by name. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def add(
        self, server: McpServer, *, user_id: str, source: ServerSource = ServerSource.API
    ) -> RegisteredServer:
        """Register a server for a user; raises `Conflict` when one of that name is registered.

        Of several who register the same name at once, one succeeds.
        """
        ...

    async def find(self, name: str) -> RegisteredServer | None:
        """Return a server, or None."""
        ...

    async def list(self) -> Sequence[RegisteredServer]:
        """Return all servers, the oldest first."""
        ...

    async def delete(self, name: str) -> bool:
        """Forget a server; false when there is none."""
        ...


def name_is_taken(name: str) -> Conflict:
    """Return the error of a name that a registered server has."""
    return Conflict.of_name("MCP server", name)
