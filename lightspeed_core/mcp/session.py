"""What a session with a server can do; how one is opened is not known here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.tools import ServerTool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What a tool answered, as text; with `is_error` it says why it did not do what was asked."""

    text: str
    is_error: bool = False


class Session(Protocol):
    """A session with one server, for one request of one user. Calls may run at the same time."""

    @property
    def has_ended(self) -> bool:
        """Say whether nothing more can be asked."""
        ...

    async def list_tools(self) -> tuple[ServerTool, ...]:
        """Return the tools; raises `McpFailed`."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Any], seconds: float) -> CallResult:
        """Call a tool; raises `McpFailed` where there is no answer within the time."""
        ...

    def close(self) -> None:
        """Let go of the session: at once for whoever asks, and soon for its connections."""
        ...


class OpenSession(Protocol):
    """Opens sessions."""

    async def __call__(
        self, server: ToolServer, headers: Mapping[str, str], on_changed: Callable[[], None]
    ) -> Session:
        """Connect and shake hands; raises `McpFailed`, and `McpUnauthorized` for a 401.

        `on_changed` is called when the server says that its tools are others now.
        """
        ...
