"""Tools that a model may call, its calls and their results."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

UNPARSED_ARGUMENTS: Final = "unparsed_arguments"
"""Under this key stands, as text, what a model wrote instead of a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as it is offered to the model; `parameters` is a JSON Schema object.

    `type` is the wire name of its calls, `server` the MCP server that runs it. With
    `needs_approval` a person must allow each call.
    """

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    type: str = "function_call"
    server: str | None = None
    needs_approval: bool = False

    @property
    def digest(self) -> str:
        """The SHA-256 of what a person sees of the tool; another one is another tool."""
        seen = [self.server, self.name, self.description, dict(self.parameters)]
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model's wish to use a tool; `type` is the wire name, such as `mcp_call`.

    `server` is the MCP server that runs the tool.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]
    type: str = "function_call"
    server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answered; `round` counts tool rounds of the turn from 1."""

    call_id: str
    name: str
    status: str
    content: str
    type: str = "function_call"
    round: int = 1
