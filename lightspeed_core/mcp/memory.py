"""The store of registered servers in memory, until the process ends."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import override

from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.mcp.models import McpServer, RegisteredServer, ServerSource
from lightspeed_core.mcp.store import McpServerStore, name_is_taken


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryMcpServers(MemoryStore, McpServerStore):
    """Implements `McpServerStore`."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        # In the order in which they came.
        self._servers: dict[str, RegisteredServer] = {}

    def beside(self) -> "MemoryMcpServers":
        """Return another worker on the same memory."""
        other = MemoryMcpServers(self._clock)
        other._servers = self._servers
        return other

    @override
    async def add(
        self, server: McpServer, *, user_id: str, source: ServerSource = ServerSource.API
    ) -> RegisteredServer:
        if server.name in self._servers:
            raise name_is_taken(server.name)
        registered = RegisteredServer(
            server=server, source=source, registered_by=user_id, registered_at=self._clock()
        )
        self._servers[server.name] = registered
        return registered

    @override
    async def find(self, name: str) -> RegisteredServer | None:
        return self._servers.get(name)

    @override
    async def list(self) -> Sequence[RegisteredServer]:
        return list(self._servers.values())

    @override
    async def delete(self, name: str) -> bool:
        return self._servers.pop(name, None) is not None
