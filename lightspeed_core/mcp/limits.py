"""How long servers may take and how much they may send."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class McpLimits:
    """Bounds of every session. Times are in seconds.

    `connect` covers connection and handshake, `list` all pages of a list together. `answer_bytes`
    bounds one answer, `stream_bytes` everything that a server sends unasked on one stream.
    `result_chars` bounds what a model sees of a result, `tools` what one server may list and
    `offered` what all together may offer to a model.
    """

    connect: float = 5.0
    list: float = 10.0
    call: float = 60.0
    close: float = 5.0
    cached: float = 60.0
    failed: float = 5.0
    answer_bytes: int = 2_097_152
    stream_bytes: int = 8_388_608
    result_chars: int = 50_000
    pages: int = 20
    tools: int = 256
    offered: int = 120
    tool_bytes: int = 32_768
