"""Section `rag` as a whole: stores, and where each is searched."""

from typing import Self

from pydantic import Field, PositiveInt, model_validator

from lightspeed_core.config.rag import OKP, ByokConfiguration, OkpConfiguration
from lightspeed_core.config.section import Section


class RerankerConfiguration(Section):
    """A model that orders chunks anew."""

    enabled: bool = Field(default=False, description="Whether chunks are ordered anew.")
    model: str = Field(default="cross-encoder/ms-marco-MiniLM-L6-v2", description="The model.")


class InlineRetrieval(Section):
    """The search before the model is called."""

    sources: tuple[str, ...] = Field(
        default=(), description="Stores (`rag_id` or `okp`); none: all."
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

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        declared = [*(store.rag_id for store in self.byok.stores), OKP]
        for name, sources in (
            ("inline", self.retrieval.inline.sources),
            ("tool", self.retrieval.tool.sources),
        ):
            if unknown := [source for source in sources if source not in declared]:
                raise ValueError(
                    f"retrieval.{name}.sources contains unknown RAG IDs: {unknown}. "
                    f"Declared IDs: {declared}"
                )
        return self
