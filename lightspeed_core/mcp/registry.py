"""The servers that are known: those of the configuration, and those that were registered.

It judges names and addresses, and calls no server.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from lightspeed_core.errors import Forbidden, InvalidRequest
from lightspeed_core.http.failures import OutboundRefused
from lightspeed_core.mcp.models import AuthorizationKind, McpServer
from lightspeed_core.mcp.servers import ToolServer, of_registration
from lightspeed_core.mcp.store import McpServerStore, name_is_taken

REREAD_SECONDS: Final = 1.0


class Judge(Protocol):
    """Says of an address that came with a request whether it may ever be asked."""

    async def check(self, url: str) -> None:
        """Raise `OutboundRefused` for what policy forbids."""
        ...


class McpServers:
    """All servers. Other workers know what was registered or deleted when that returns.

    So with `others`, which says that there are any, both wait as long as a list is good.
    """

    def __init__(
        self,
        configured: Sequence[ToolServer],
        store: McpServerStore,
        judge: Judge,
        *,
        forwards_token: bool,
        others: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = {server.name: server for server in configured}
        self._store = store
        self._judge = judge
        self._forwards_token = forwards_token
        self._others = others
        self._clock = clock
        self._known: Mapping[str, ToolServer] = self._configured
        self._good_until = float("-inf")

    async def known(self) -> Mapping[str, ToolServer]:
        """Return all servers by name, as they were at most a second ago."""
        if self._clock() >= self._good_until:
            await self.list()
        return self._known

    async def list(self) -> Sequence[ToolServer]:
        """Return all servers, those of the configuration first."""
        asked_at = self._clock()
        registered = [of_registration(server) for server in await self._store.list()]
        self._known = {server.name: server for server in registered} | self._configured
        self._good_until = asked_at + REREAD_SECONDS
        others = [server for server in registered if server.name not in self._configured]
        return [*self._configured.values(), *others]

    async def register(self, server: McpServer, *, user_id: str) -> None:
        """Make a server known to all.

        Raises `Conflict` for a name that is taken, `InvalidRequest` for an address that must not
        be asked and for a token that nobody has.
        """
        if server.name in self._configured:
            raise name_is_taken(server.name)
        if (
            AuthorizationKind.KUBERNETES in server.authorization_headers.values()
            and not self._forwards_token
        ):
            raise InvalidRequest(
                "Invalid attribute value",
                "authorization_headers: 'kubernetes' passes on the caller's token, which the "
                "configured authentication module does not keep",
            )
        try:
            await self._judge.check(server.url)
        except OutboundRefused as exc:
            raise InvalidRequest("Invalid attribute value", f"url: {exc}") from exc
        await self._store.add(server, user_id=user_id)
        await self._tell_all()

    async def delete(self, name: str) -> bool:
        """Forget a registered server; false when there is none.

        Raises `Forbidden` for one of the configuration.
        """
        if name in self._configured:
            raise Forbidden(
                "Cannot delete statically configured MCP server",
                f"MCP server '{name}' is defined in configuration and cannot be removed via the "
                "API.",
            )
        is_deleted = await self._store.delete(name)
        if is_deleted:
            await self._tell_all()
        return is_deleted

    async def _tell_all(self) -> None:
        """Return when nobody uses a list from before any more."""
        self._good_until = float("-inf")
        if self._others:
            await asyncio.sleep(REREAD_SECONDS)
            self._good_until = float("-inf")
