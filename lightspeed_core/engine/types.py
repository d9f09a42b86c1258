"""Requests to the engine and its answers, free of any vendor's classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lightspeed_core.domain.messages import Message, TokenUsage
from lightspeed_core.domain.tools import ToolCall, ToolSpec

UNFINISHED_SUFFIX: Final = ".being-reindexed"
"""Ends the id of a vector store that is being built to take another one's place."""


class BootStage(StrEnum):
    """How far the engine has come; `READY` and `FAILED` are final."""

    STARTING = "starting"
    IMPORTING = "importing Llama Stack"
    INITIALIZING = "initializing providers"
    VERIFYING = "verifying models, shields and stores"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootStatus:
    """The stage of the boot, with the reason of a failure."""

    stage: BootStage
    error: str | None = None


class SearchMode(StrEnum):
    """How a vector store ranks chunks."""

    VECTOR = "vector"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class EmbeddingPurpose(StrEnum):
    """Some models embed questions and passages with different prefixes."""

    QUERY = "query"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingReach:
    """How far an embedding model reads a passage: so many `tokens`, None where it does not tell.

    `count` says how many a text has, by the model's own tokenizer; it may be used in any thread.
    """

    tokens: int | None = None
    count: Callable[[str], int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One model call. `model` is the engine's identifier, `provider/model`."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDelta:
    """All that one read from the model brought.

    The first delta of a call is empty and says that the model accepted the request. `tool_calls`
    are whole, never fragments, and come with the last delta; so do `finish_reason` and, where
    the provider reports it, `usage`.
    """

    tokens: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model that the engine lists; `model_type` is `llm` or `embedding`."""

    identifier: str
    provider_id: str
    provider_resource_id: str
    model_type: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldInfo:
    """A shield that the engine lists; `may_rewrite` unless its kind is known only to check."""

    identifier: str
    provider_id: str
    provider_resource_id: str
    may_rewrite: bool = False
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShieldVerdict:
    """What a shield says of a text.

    Of a blocked one, `text` is the answer to give in its place. `rewritten` is what a shield that
    lets through wants to see in its place, `restore` what stands behind its placeholders.
    """

    blocked: bool
    text: str = ""
    rewritten: str | None = None
    restore: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """A provider of the engine with its configuration, secrets masked."""

    provider_id: str
    provider_type: str
    api: str
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHealth:
    """The health of a provider, found by asking it: `OK`, `Error` or `Not Implemented`."""

    provider_id: str
    status: str
    message: str = ""

    @property
    def is_healthy(self) -> bool:
        """Say whether the provider can be used, as far as it can be known."""
        return self.status.casefold() != "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorStoreInfo:
    """A vector store that the engine lists.

    `modes` are the search modes that it serves. `takes_pending_chunks` says whether chunks
    without a vector may be inserted, to be found by keyword until their vectors follow.
    `wanted_model` is the embedding model that the store is configured for, where it was filled
    with another one: it goes on with that one until its documents are indexed anew.
    `has_bounded_scores` says whether its own scores lie in [0, 1]; others are brought there.
    """

    store_id: str
    name: str
    provider_id: str
    embedding_model: str
    embedding_dimension: int
    modes: frozenset[SearchMode] = frozenset({SearchMode.VECTOR})
    takes_pending_chunks: bool = False
    has_bounded_scores: bool = True
    wanted_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVectorStore:
    """A vector store to be made; what is None is left to Llama Stack's configuration."""

    name: str
    embedding_model: str | None = None
    embedding_dimension: int | None = None
    provider_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    store_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorStoreState:
    """What a vector store says of itself. Times are in seconds since 1970, None for unknown.

    `metadata` is what the client keeps beside the store. A store whose `expires_at` is past has
    the status `expired` and answers no more.
    """

    store_id: str
    name: str
    created_at: int
    last_active_at: int | None = None
    expires_at: int | None = None
    usage_bytes: int = 0
    status: str = "completed"
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document that a vector store holds; `pending` chunks still lack their vector."""

    document_id: str
    content_hash: str
    chunks: int
    pending: int = 0
