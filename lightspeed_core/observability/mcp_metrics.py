"""Calls of servers of tools. Names come from servers, so the labels they become are bounded."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

_MOST_TOOLS: Final = 500
_MOST_SERVERS: Final = 100
_OTHER: Final = "other"
_LONGEST: Final = 100
# A local tool takes milliseconds, one that asks others up to its time limit.
_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class McpMetrics:
    """What is counted; servers and tools beyond the first few hundred are `other`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "ls_mcp_tool_calls_total",
            "Calls of tools of MCP servers",
            ("server", "tool", "result"),
            registry=registry,
        )
        self._seconds = Histogram(
            "ls_mcp_tool_duration_seconds",
            "Time that calls of tools of MCP servers took",
            ("server",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            "ls_mcp_server_failures_total",
            "MCP servers that did not list their tools when they were asked",
            ("server",),
            registry=registry,
        )
        self._tools: set[tuple[str, str]] = set()
        self._servers: set[str] = set()

    def called(self, *, server: str, tool: str, result: str, seconds: float) -> None:
        """Count a call; `result` is `success` or `failure`."""
        known = self._server(server)
        self._calls.labels(known, self._tool(known, tool), result).inc()
        self._seconds.labels(known).observe(seconds)

    def unavailable(self, server: str) -> None:
        """Count a server that gave no list of its tools."""
        self._failures.labels(self._server(server)).inc()

    def _server(self, name: str) -> str:
        if name not in self._servers and len(self._servers) >= _MOST_SERVERS:
            return _OTHER
        self._servers.add(name)
        return name[:_LONGEST]

    def _tool(self, server: str, name: str) -> str:
        if (server, name) not in self._tools and len(self._tools) >= _MOST_TOOLS:
            return _OTHER
        self._tools.add((server, name))
        return name[:_LONGEST]
