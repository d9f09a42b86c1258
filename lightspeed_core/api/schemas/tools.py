"""Body of `GET /v1/tools`."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, Field

from lightspeed_core.mcp.tools import OfferedTool, clean_description


class ToolParameter(BaseModel):
    """What a tool is called with."""

    name: str
    description: str
    parameter_type: str = Field(examples=["string"])
    required: bool
    default: Any


class Tool(BaseModel):
    """A tool; `server_source` is `builtin`, or the address of the server that has it."""

    identifier: str = Field(examples=["file_search"])
    description: str
    parameters: list[ToolParameter]
    provider_id: str
    toolgroup_id: str = Field(examples=["builtin::rag"])
    server_source: str = Field(examples=["builtin"])
    type: Literal["tool"]

    @classmethod
    def of(cls, offered: OfferedTool) -> Self:
        """Put the tool of an MCP server into the wire's shape."""
        return cls(
            identifier=offered.name,
            description=clean_description(offered.tool.description),
            parameters=list(_parameters(offered.tool.parameters)),
            provider_id=offered.server.provider_id,
            toolgroup_id=offered.server.name,
            server_source=offered.server.place,
            type="tool",
        )


class ToolsResponse(BaseModel):
    """The tools."""

    tools: list[Tool]


def _parameters(schema: Mapping[str, Any]) -> Iterator[ToolParameter]:
    """Read the parameters off a JSON Schema, which is a server's and need not be one."""
    required = schema.get("required")
    needed: list[Any] = cast("list[Any]", required) if isinstance(required, list) else []
    for name, described in _mapping(schema.get("properties")).items():
        about = _mapping(described)
        description = about.get("description")
        yield ToolParameter(
            name=name,
            description=description if isinstance(description, str) else "",
            parameter_type=_type_of(about),
            required=name in needed,
            default=about.get("default"),
        )


def _type_of(about: Mapping[str, Any]) -> str:
    """Name the type; of several, the first that is not null."""
    kinds: Any = about.get("type")
    if isinstance(kinds, list):
        choices: list[Any] = [{"type": kind} for kind in cast("list[Any]", kinds)]
    elif isinstance(kinds, str):
        return kinds
    else:
        alternatives: Any = about.get("anyOf") or about.get("oneOf")
        choices = cast("list[Any]", alternatives) if isinstance(alternatives, list) else []
    named = [_mapping(choice).get("type") for choice in choices]
    return next((kind for kind in named if isinstance(kind, str) and kind != "null"), "any")


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
