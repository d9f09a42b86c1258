"""The request header `MCP-HEADERS`: headers for MCP servers, by the server's name.

What is malformed is ignored with a warning, never an error. Which servers exist is not known
here.
"""

import logging
import re
from typing import Any, Final, cast

import orjson

logger = logging.getLogger(__name__)

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


def parse_mcp_headers(text: str) -> dict[str, dict[str, str]]:
    """Read `{server: {header: value}}`; parts that do not fit the form are left out."""
    if not text.strip():
        return {}
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        logger.warning("header was ignored name=MCP-HEADERS reason=not a JSON object")
        return {}
    servers = cast("dict[str, Any]", content)
    return {name: _headers(headers) for name, headers in servers.items()}


def _headers(content: Any) -> dict[str, str]:
    is_object = isinstance(content, dict)
    entries = cast("dict[str, Any]", content) if is_object else {}
    headers = {name: value for name, value in entries.items() if _is_header(name, value)}
    if not is_object or len(headers) < len(entries):
        logger.warning("a part of a header was ignored name=MCP-HEADERS reason=malformed")
    return headers


def _is_header(name: str, value: Any) -> bool:
    return (
        isinstance(value, str)
        and _NAME.fullmatch(name) is not None
        and _VALUE.fullmatch(value) is not None
    )
