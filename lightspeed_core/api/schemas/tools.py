"""Body of `GET /v1/tools`."""

from typing import Any, Literal

from pydantic import BaseModel, Field


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


class ToolsResponse(BaseModel):
    """The tools."""

    tools: list[Tool]
