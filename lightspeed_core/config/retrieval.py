"""Section `rag` as a whole: stores, where each is searched, and who may read it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PositiveInt, StringConstraints

from lightspeed_core.config.rag import ByokConfiguration, OkpConfiguration
from lightspeed_core.config.section import Section

type Role = Annotated[str, StringConstraints(min_length=1)]


class RerankerConfiguration(Section):
    """A model that orders chunks anew."""

    enabled: bool = Field(default=False, description="Whether chunks are ordered anew.")
    model: str = Field(default="cross-encoder/ms-marco-MiniLM-L6-v2", description="The model.")


class InlineRetrieval(Section):
    """The search before the model is called."""

    sources: tuple[str, ...] = Field(
        default=(),
        description="Stores (`rag_id` or `okp`); none: all, unless `tool.sources` names some.",
    )
    max_chunks: PositiveInt = Field(default=10, description="Chunks given to the model.")
    reranker: RerankerConfiguration = Field(
        default=RerankerConfiguration(), description="A model that orders chunks anew."
    )


class ToolRetrieval(Section):
    """The search tool of the model."""

    sources: tuple[str, ...] = Field(default=(), description="Stores (`rag_id` or `okp`).")
    max_chunks: PositiveInt = Field(default=10, description="Chunks that a call returns.")


class RetrievalConfiguration(Section):
    """Where each store is searched."""

    inline: InlineRetrieval = Field(
        default=InlineRetrieval(), description="Before the model is called."
    )
    tool: ToolRetrieval = Field(default=ToolRetrieval(), description="By a tool of the model.")


class RagConfiguration(Section):
    """What is searched before and during a turn."""

    byok: ByokConfiguration = Field(default=ByokConfiguration(), description="Stores of one's own.")
    okp: OkpConfiguration = Field(
        default=OkpConfiguration(), description="Offline knowledge portal."
    )
    retrieval: RetrievalConfiguration = Field(
        default=RetrievalConfiguration(), description="Where each store is searched."
    )
    embedding_folders: Mapping[str, str] = Field(
        default_factory=dict,
        description="Folders of ONNX models, by the name of the model that embedded a store; "
        "unset: `models/NAME` in the data directory.",
    )
    access: Mapping[str, tuple[Role, ...]] = Field(
        default_factory=dict,
        description="Roles that may read a store, by `rag_id` or id; `*` is everybody. "
        "A store that is not named is open to all.",
    )
