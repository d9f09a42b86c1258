"""The store of registered servers in an SQL database, the same for every dialect."""

import json
from collections.abc import Sequence
from typing import Any, Final, override

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.mcp.models import (
    AuthorizationKind,
    McpServer,
    RegisteredServer,
    ServerSource,
)
from lightspeed_core.mcp.store import McpServerStore, name_is_taken
from lightspeed_core.mcp.tables import mcp_servers

_SERVER: Final = select(mcp_servers).where(mcp_servers.c.name == bindparam("wanted"))
_SERVERS: Final = select(mcp_servers).order_by(mcp_servers.c.registered_at, mcp_servers.c.name)


class SqlMcpServers(DatabaseStore, McpServerStore):
    """Implements `McpServerStore` over a database that other stores may share."""

    @override
    async def add(
        self, server: McpServer, *, user_id: str, source: ServerSource = ServerSource.API
    ) -> RegisteredServer:
        registered = RegisteredServer(
            server=server,
            source=source,
            registered_by=user_id,
            registered_at=self._database.clock(),
        )
        insert = insert_for(self._database.dialect, mcp_servers).on_conflict_do_nothing()

        def register(connection: Connection) -> RegisteredServer | None:
            connection.execute(insert, _row(registered))
            return _find(connection, server.name)

        # A write whose commit went unheard comes again, and finds its own row.
        if await self._database.writer.call(register) != registered:
            raise name_is_taken(server.name)
        return registered

    @override
    async def find(self, name: str) -> RegisteredServer | None:
        return await self._database.read(lambda connection: _find(connection, name))

    @override
    async def list(self) -> Sequence[RegisteredServer]:
        return await self._database.read(
            lambda connection: [_server(row) for row in connection.execute(_SERVERS).mappings()]
        )

    @override
    async def delete(self, name: str) -> bool:
        deletion = delete(mcp_servers).where(mcp_servers.c.name == name)
        return await self._database.writer.call(
            lambda connection: connection.execute(deletion).rowcount > 0
        )


def _find(connection: Connection, name: str) -> RegisteredServer | None:
    row = connection.execute(_SERVER, {"wanted": name}).mappings().one_or_none()
    return None if row is None else _server(row)


def _row(registered: RegisteredServer) -> dict[str, Any]:
    server = registered.server
    return {
        "name": server.name,
        "url": server.url,
        "provider_id": server.provider_id,
        "authorization_headers": json.dumps(dict(server.authorization_headers)),
        "headers": json.dumps(server.headers),
        "timeout": server.timeout,
        "source": registered.source.value,
        "registered_by": registered.registered_by,
        "registered_at": registered.registered_at,
    }


def _server(row: RowMapping) -> RegisteredServer:
    kinds: dict[str, str] = json.loads(row["authorization_headers"])
    return RegisteredServer(
        server=McpServer(
            name=row["name"],
            url=row["url"],
            provider_id=row["provider_id"],
            authorization_headers={
                header: AuthorizationKind(kind) for header, kind in kinds.items()
            },
            headers=tuple(json.loads(row["headers"])),
            timeout=row["timeout"],
        ),
        source=ServerSource(row["source"]),
        registered_by=row["registered_by"],
        registered_at=row["registered_at"],
    )
