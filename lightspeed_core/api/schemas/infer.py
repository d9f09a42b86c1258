"""Bodies of `POST /v1/infer`."""

from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictBool, field_validator

from lightspeed_core.api.schemas.identifiers import NOT_BLANK_PATTERN, TEXT_PATTERN, NoNul, Text
from lightspeed_core.api.schemas.query import (
    RagChunk,
    ReferencedDocument,
    ToolCall,
    ToolResult,
)
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.assistant.plain_text import normal_text
from lightspeed_core.assistant.request import TurnRequest

ENDPOINT: Final = "/v1/infer"

_LONGEST_QUESTION: Final = 32_768
_LONGEST_MATERIAL: Final = 65_536

Material = Annotated[
    str,
    Field(max_length=_LONGEST_MATERIAL, json_schema_extra={"pattern": TEXT_PATTERN}),
    NoNul,
]
Label = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._ \-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._\-]*$")]


def _show_alias(schema: dict[str, Any]) -> None:
    schema["properties"]["system_id"] = schema["properties"]["id"]
    schema["not"] = {"required": ["id", "system_id"]}


class InferAttachment(RequestBody):
    """A file that the question is about."""

    contents: Material = Field(default="", description="Its text.")
    mimetype: Text = Field(default="", description="Its media type.", examples=["text/plain"])


class Terminal(RequestBody):
    """The terminal before the question."""

    output: Material = Field(default="", description="What it shows.")


class SystemInfo(RequestBody):
    """The system of who asks; the configured prompt may name `os`, `version` and `arch`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_show_alias)

    os: Label = Field(default="", description="Operating system.", examples=["RHEL"])
    version: Label = Field(default="", description="Its version.", examples=["9.4"])
    arch: Label = Field(default="", description="Its architecture.", examples=["x86_64"])
    id: Identifier = Field(
        default="",
        validation_alias=AliasChoices("id", "system_id"),
        description="Id of the system; `system_id` is the same.",
    )


class CommandLineAssistant(RequestBody):
    """The program that asks."""

    nevra: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._:+~\-]*$")] = Field(
        default="", description="Its package."
    )
    version: Identifier = Field(default="", description="Its version.")


class InferContext(RequestBody):
    """What a question is about."""

    stdin: Material = Field(default="", description="What was piped in.")
    attachments: InferAttachment = Field(default_factory=InferAttachment)
    terminal: Terminal = Field(default_factory=Terminal)
    systeminfo: SystemInfo = Field(default_factory=SystemInfo)
    cla: CommandLineAssistant = Field(default_factory=CommandLineAssistant)


class InferRequest(RequestBody):
    """A question of a command line, with what it is about."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"question": "How do I list files?"},
                {
                    "question": "What does this mean?",
                    "context": {
                        "stdin": "bash: foo: command not found",
                        "systeminfo": {"os": "RHEL", "version": "9.4", "arch": "x86_64"},
                    },
                },
            ]
        },
    )

    question: Annotated[str, Field(min_length=1, max_length=_LONGEST_QUESTION), NoNul] = Field(
        description="The question.", json_schema_extra={"pattern": NOT_BLANK_PATTERN}
    )
    context: InferContext = Field(
        default_factory=InferContext, description="What the question is about."
    )
    skip_rag: StrictBool = Field(default=False, description="Do without documents.")
    include_metadata: StrictBool = Field(
        default=False, description="Tell details, where the service is configured to."
    )

    @field_validator("question")
    @classmethod
    def _check_question(cls, value: str) -> str:
        if not (question := value.strip()):
            raise ValueError("Question cannot be empty or whitespace-only")
        return question

    def turn_request(self, *, with_details: bool) -> TurnRequest:
        """Say the same in the words of the domain; markers stay where their chunks are told."""
        context = self.context
        parts = (
            self.question,
            context.stdin,
            context.attachments.contents,
            context.terminal.output,
        )
        system = context.systeminfo
        return TurnRequest(
            query=normal_text("\n\n".join(part for part in parts if part.strip())),
            endpoint=ENDPOINT,
            search_text=normal_text(self.question),
            vector_store_ids=() if self.skip_rag else None,
            generate_topic_summary=False,
            cites=with_details,
            plain_text_only=True,
            prompt_variables={"os": system.os, "version": system.version, "arch": system.arch},
        )


class InferData(BaseModel):
    """The answer; what is null is told on request alone, where the service allows that."""

    text: str = Field(description="The answer.")
    request_id: str = Field(description="Id of the answer, under which nothing is kept.")
    tool_calls: list[ToolCall] | None
    tool_results: list[ToolResult] | None
    rag_chunks: list[RagChunk] | None
    referenced_documents: list[ReferencedDocument] | None
    input_tokens: int | None
    output_tokens: int | None
    tokens_estimated: bool | None = Field(description="True where the provider did not count.")


class InferResponse(BaseModel):
    """The answer to a question of a command line."""

    data: InferData
