"""Why a server was of no use, in words for callers and logs: no secret, and little of its own."""


class McpFailed(Exception):
    """The server gave no usable answer; `status` is that of HTTP where it answered with one."""

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class McpUnauthorized(McpFailed):
    """The server answered 401; `challenge` is its `WWW-Authenticate`."""

    def __init__(self, challenge: str | None) -> None:
        super().__init__("it asks for credentials", status=401)
        self.challenge = challenge
