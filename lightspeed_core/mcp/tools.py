"""Tools as servers describe them, and the names under which models are offered them.

It judges form and size alone, and knows no connection.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lightspeed_core.mcp.servers import ToolServer

RESERVED: Final = frozenset({"file_search", "knowledge_search", "mcp_list_tools", "web_search"})
"""Names of tools that are not a server's."""

LONGEST_NAME: Final = 64
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST: Final = 8

_MARKS: Final = ("TOOL_NAME=", "DISPLAY_NAME=")
_HEADINGS: Final = (
    *_MARKS,
    "USECASE=",
    "INSTRUCTIONS=",
    "INPUT_DESCRIPTION=",
    "OUTPUT_DESCRIPTION=",
    "EXAMPLES=",
    "PREREQUISITES=",
    "AGENT_DECISION_CRITERIA=",
)
_SHORTEST_PARAGRAPH: Final = 20
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTool:
    """A tool of a server; `parameters` is a JSON Schema object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ToolList:
    """The tools of a server that can be used, and how many others it has."""

    tools: tuple[ServerTool, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool under a name that no other tool has and that models take."""

    name: str
    server: ToolServer
    tool: ServerTool


def is_usable(tool: ServerTool, most_bytes: int) -> bool:
    """Say whether a tool has a name, and a description that leaves room for a question."""
    try:
        described = json.dumps([tool.name, tool.description, dict(tool.parameters)])
    except (TypeError, ValueError, RecursionError):
        return False
    return bool(tool.name) and len(described) <= most_bytes


def digest_of(tools: Sequence[ServerTool]) -> str:
    """Return the SHA-256 of a list of tools."""
    seen = [[tool.name, tool.description, dict(tool.parameters)] for tool in tools]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def offer(lists: Sequence[tuple[ToolServer, Sequence[ServerTool]]]) -> list[OfferedTool]:
    """Name the tools of several servers.

    A name that two of them have, or that is reserved, becomes `server__tool` for each.
    """
    pairs = [(server, tool) for server, tools in lists for tool in tools]
    plain = Counter(_legal(tool.name) for _, tool in pairs)
    taken: set[str] = set()
    offered: list[OfferedTool] = []
    for server, tool in pairs:
        name = _legal(tool.name)
        if plain[name] > 1 or name in RESERVED:
            name = _legal(f"{server.name}__{tool.name}")
        if name in taken:
            name = _numbered(f"{server.name}__{tool.name}", name)
        if name not in taken:
            taken.add(name)
            offered.append(OfferedTool(name, server, tool))
    return offered


def _legal(name: str) -> str:
    written = _ILLEGAL.sub("_", name)
    return written if len(written) <= LONGEST_NAME else _numbered(name, written)


def _numbered(meant: str, written: str) -> str:
    """End a name with a mark of what it was meant to be."""
    mark = hashlib.sha256(meant.encode(errors="replace")).hexdigest()[:_DIGEST]
    return f"{written[: LONGEST_NAME - _DIGEST - 1]}_{mark}"


def clean_description(text: str) -> str:
    """Reduce a description that is written as a form to what a person reads of it."""
    if not any(mark in text for mark in _MARKS):
        return text
    for paragraph in (part.strip() for part in text.split("\n\n")):
        if len(paragraph) > _SHORTEST_PARAGRAPH and not paragraph.startswith(_HEADINGS):
            return paragraph
    for line in text.splitlines():
        if line.strip().startswith("USECASE="):
            return line.strip().removeprefix("USECASE=").strip()
    return text[:_SHOWN] + ("..." if len(text) > _SHOWN else "")
