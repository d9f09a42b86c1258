"""Bodies of `POST /v1/query`; the request body is that of `POST /v1/streaming_query` too."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from lightspeed_core.api.schemas.approvals import RequiredApproval
from lightspeed_core.api.schemas.attachments import Attachment
from lightspeed_core.api.schemas.identifiers import Text
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.domain import messages
from lightspeed_core.domain.identifiers import CONVERSATION_ID_PATTERN, normal_conversation_id
from lightspeed_core.domain.turn import IncompleteReason

JSON_MEDIA_TYPE: Final = "application/json"
TEXT_MEDIA_TYPE: Final = "text/plain"
_MEDIA_TYPES: Final = (JSON_MEDIA_TYPE, TEXT_MEDIA_TYPE)

# What follows is shown and not checked by the framework, whose messages would be others.
_ConversationId = Annotated[
    Text, WithJsonSchema({"type": "string", "pattern": f"^$|{CONVERSATION_ID_PATTERN}"})
]
_MediaType = Annotated[Text, WithJsonSchema({"type": "string", "enum": [*_MEDIA_TYPES, ""]})]
# Without a type: viewers take another one beside the field's own for a conflict.
_NAMED: Final = {"not": {"enum": ["", None]}}
_MODEL_AND_PROVIDER: Final[list[Any]] = [
    {"required": ["model", "provider"], "properties": {"model": _NAMED, "provider": _NAMED}},
    {"properties": {"model": {"enum": ["", None]}, "provider": {"enum": ["", None]}}},
]


class SolrMode(StrEnum):
    """How a Solr store ranks."""

    SEMANTIC = "semantic"
    HYBRID = "hybrid"
    LEXICAL = "lexical"
    KEYWORD = "keyword"


def _show_legacy_filters(schema: dict[str, Any]) -> None:
    del schema["additionalProperties"]
    names: list[str] = list(schema["properties"])
    legacy = {"not": {"anyOf": [{"required": [name]} for name in names]}}
    schema["anyOf"] = [{"propertyNames": {"enum": names}}, legacy]


class Solr(RequestBody):
    """Wishes to a Solr store; read, and not served yet. An object of other keys is `filters`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_show_legacy_filters)

    mode: SolrMode | None = Field(default=None, description="How to rank.")
    filters: dict[str, Any] | None = Field(default=None, description="What to search in.")

    @model_validator(mode="before")
    @classmethod
    def _take_legacy_filters(cls, value: Any) -> Any:
        # Older clients send the filters themselves.
        if not isinstance(value, dict) or not value or "mode" in value or "filters" in value:
            return cast("Any", value)
        return {"filters": cast("Any", value)}


class QueryRequest(RequestBody):
    """A question with what the answer should heed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": _MODEL_AND_PROVIDER,
            "examples": [
                {"query": "How do I install an operator?"},
                {
                    "query": "What does this warning mean?",
                    "conversation_id": "123e4567-e89b-42d3-a456-426614174000",
                    "provider": "openai",
                    "model": "gpt-4-turbo",
                    "attachments": [
                        {
                            "attachment_type": "log",
                            "content_type": "text/plain",
                            "content": "warning: quota exceeded",
                        }
                    ],
                    "no_tools": False,
                    "media_type": "application/json",
                },
            ],
        },
    )

    query: Text = Field(description="The question.")
    conversation_id: _ConversationId | None = Field(
        default=None, description="Conversation to go on with; without one a new one begins."
    )
    provider: Text | None = Field(default=None, description="Provider of `model`.")
    model: Text | None = Field(default=None, description="Model to answer; with `provider`.")
    system_prompt: Text | None = Field(default=None, description="Replaces the configured one.")
    attachments: list[Attachment] | None = Field(default=None, description="What to look at.")
    no_tools: StrictBool | None = Field(default=False, description="Neither retrieval nor tools.")
    media_type: _MediaType | None = Field(
        default=None,
        description="Form of the stream: `application/json` (events) or `text/plain`.",
    )
    generate_topic_summary: StrictBool | None = Field(
        default=True, description="Give a new conversation a title."
    )
    vector_store_ids: list[Text] | None = Field(
        default=None, description="Stores to search; null for the configured ones, [] for none."
    )
    shield_ids: list[Text] | None = Field(
        default=None, description="Shields to ask; null for all, [] for none."
    )
    solr: Solr | None = Field(default=None, description="Wishes to a Solr store.")

    @field_validator("conversation_id")
    @classmethod
    def _check_conversation_id(cls, value: str | None) -> str | None:
        return normal_conversation_id(value) if value else None

    @field_validator("media_type")
    @classmethod
    def _check_media_type(cls, value: str | None) -> str | None:
        if value and value not in _MEDIA_TYPES:
            raise ValueError("media_type must be either 'application/json' or 'text/plain'")
        return value

    @model_validator(mode="after")
    def _check_model_and_provider(self) -> Self:
        if self.model and not self.provider:
            raise ValueError("Provider must be specified if model is specified")
        if self.provider and not self.model:
            raise ValueError("Model must be specified if provider is specified")
        return self

    def turn_request(
        self,
        mcp_headers: Mapping[str, Mapping[str, str]],
        *,
        endpoint: str,
        headers: Mapping[str, str] | None = None,
    ) -> TurnRequest:
        """Say the same in the words of the domain; `headers` are those of the request."""
        return TurnRequest(
            query=self.query,
            endpoint=endpoint,
            conversation_id=self.conversation_id,
            provider=self.provider or None,
            model=self.model or None,
            system_prompt=self.system_prompt or None,
            attachments=tuple(
                messages.Attachment(**attachment.model_dump())
                for attachment in self.attachments or ()
            ),
            no_tools=bool(self.no_tools),
            generate_topic_summary=self.generate_topic_summary is not False,
            vector_store_ids=_tuple(self.vector_store_ids),
            shield_ids=_tuple(self.shield_ids),
            mcp_headers=mcp_headers,
            headers=headers or {},
        )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


class RagChunk(BaseModel):
    """A passage that stood behind the answer."""

    content: str
    source: str | None
    score: float | None
    attributes: dict[str, Any] | None


class ReferencedDocument(BaseModel):
    """A document that stood behind the answer."""

    doc_url: str | None
    doc_title: str | None
    source: str | None
    document_id: str | None


class ToolCall(BaseModel):
    """A call of a tool, under the names of both generations of clients."""

    id: str
    name: str
    args: dict[str, Any]
    type: str
    tool_name: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None


class ToolResult(BaseModel):
    """What a tool answered; rounds are counted from 1."""

    id: str
    status: str
    content: str
    type: str
    round: int


class Citation(BaseModel):
    """A marker of the answer, checked: the quote stands at [start, end) of the source text."""

    marker: str
    document_id: str | None
    source: str | None
    title: str | None
    url: str | None
    content_hash: str | None
    start: int | None
    end: int | None
    quote: str
    page: int | None
    heading: str | None
    stale: bool


class AnswerWarning(BaseModel):
    """What cost a part of the answer and not the answer itself."""

    code: str
    message: str
    server: str | None


class QueryResponse(BaseModel):
    """The answer to a question."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversation_id": "123e4567-e89b-42d3-a456-426614174000",
                    "request_id": "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11",
                    "response": "Operator Lifecycle Manager installs operators [1].",
                    "rag_chunks": [
                        {
                            "content": "OLM helps users install operators.",
                            "source": "ocp-docs",
                            "score": 0.95,
                            "attributes": {"doc_url": "https://docs.example.com/olm"},
                        }
                    ],
                    "tool_calls": [],
                    "tool_results": [],
                    "referenced_documents": [
                        {
                            "doc_url": "https://docs.example.com/olm",
                            "doc_title": "Operator Lifecycle Manager",
                            "source": "ocp-docs",
                            "document_id": "olm",
                        }
                    ],
                    "citations": [
                        {
                            "marker": "[1]",
                            "document_id": "olm",
                            "source": "ocp-docs",
                            "title": "Operator Lifecycle Manager",
                            "url": "https://docs.example.com/olm",
                            "content_hash": (
                                "b17ea1d24ad64d0c9a5494b3c1cd26e4512bffbe6b11df5fdfef2396fcc8c3ff"
                            ),
                            "start": 0,
                            "end": 34,
                            "quote": "OLM helps users install operators.",
                            "page": 12,
                            "heading": "Operators > Installing",
                            "stale": False,
                        }
                    ],
                    "warnings": [],
                    "recorded": True,
                    "truncated": False,
                    "input_tokens": 150,
                    "output_tokens": 75,
                    "tokens_estimated": False,
                    "available_quotas": {},
                }
            ]
        }
    )

    conversation_id: str = Field(description="Send it to go on with the conversation.")
    request_id: str = Field(description="Id of the turn.")
    response: str = Field(description="The answer; empty where an approval is required first.")
    approval_required: RequiredApproval | None = Field(
        default=None,
        description="What the user must allow before the answer goes on; null where nothing.",
    )
    rag_chunks: list[RagChunk]
    tool_calls: list[ToolCall]
    tool_results: list[ToolResult]
    referenced_documents: list[ReferencedDocument]
    citations: list[Citation]
    warnings: list[AnswerWarning]
    incomplete_reason: IncompleteReason | None = Field(
        default=None,
        description="What kept the model from using more tools; null when nothing did.",
    )
    recorded: bool = Field(description="False when the turn could not be stored.")
    truncated: bool = Field(description="Always false.")
    input_tokens: int
    output_tokens: int
    tokens_estimated: bool = Field(description="True where the provider did not count tokens.")
    available_quotas: dict[str, int]
