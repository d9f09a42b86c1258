"""Bodies of `/v1/vector-stores`, in the words of OpenAI's vector store API."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

from lightspeed_core.api.schemas.identifiers import TEXT_PATTERN, NoNul, Text
from lightspeed_core.api.schemas.requests import Integer, RequestBody
from lightspeed_core.engine.types import NewVectorStore, VectorStoreState
from lightspeed_core.ingest.chunk import MAX_TOKENS
from lightspeed_core.ingest.handed_over import AttachedFile
from lightspeed_core.ingest.jobs import JobState

_ID: Final = "vs_0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"
_NAME: Final = "manuals"
_FILE_ID: Final = "file-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
_STATUS: Final[Mapping[JobState, Literal["in_progress", "completed", "failed", "cancelled"]]] = {
    JobState.QUEUED: "in_progress",
    JobState.RUNNING: "in_progress",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}

MAX_CHUNK_TOKENS: Final = "max_chunk_size_tokens"
"""Under this key of its metadata a store keeps how its files are cut."""

_TEXT: Final[dict[str, Any]] = {"pattern": TEXT_PATTERN}
_MOST_ATTRIBUTES: Final = 16
_LEAST_TOKENS: Final = 20
_MOST_TOKENS: Final = 8192

StoreName = Annotated[str, Field(min_length=1, max_length=256, json_schema_extra=_TEXT), NoNul]
Metadata = dict[str, Any]
AttributeName = Annotated[str, Field(min_length=1, max_length=64, json_schema_extra=_TEXT), NoNul]
AttributeText = Annotated[str, Field(max_length=512, json_schema_extra=_TEXT), NoNul]
Attribute = AttributeText | StrictBool | StrictInt | StrictFloat
Attributes = Annotated[dict[AttributeName, Attribute], Field(max_length=_MOST_ATTRIBUTES)]
# What a number must be is not described by itself where a function reads it.
Positive = Annotated[Integer, Field(gt=0, json_schema_extra={"exclusiveMinimum": 0})]
Tokens = Annotated[
    Integer,
    Field(
        ge=_LEAST_TOKENS,
        le=_MOST_TOKENS,
        json_schema_extra={"minimum": _LEAST_TOKENS, "maximum": _MOST_TOKENS},
    ),
]
Overlap = Annotated[Integer, Field(ge=0, json_schema_extra={"minimum": 0})]


def _chunk_tokens_in(metadata: Mapping[str, Any]) -> int | None:
    """Read how the files of a store are cut; None where it does not say, or nothing that can be."""
    kept = metadata.get(MAX_CHUNK_TOKENS)
    is_size = type(kept) is int and _LEAST_TOKENS <= kept <= _MOST_TOKENS
    return kept if is_size else None


class StaticChunks(RequestBody):
    """How large a chunk may be, in tokens of the embedding model."""

    max_chunk_size_tokens: Tokens = Field(default=MAX_TOKENS, description="The largest chunk.")
    chunk_overlap_tokens: Overlap = Field(
        default=0, description="Not used: chunks end where the document's structure does."
    )


class AutoChunking(RequestBody):
    """Cut documents at their structure, in pieces of the usual size."""

    type: Literal["auto"]


class StaticChunking(RequestBody):
    """Cut documents at their structure, in pieces of a size."""

    type: Literal["static"]
    static: StaticChunks


ChunkingStrategy = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


def _chunk_tokens(strategy: AutoChunking | StaticChunking | None) -> int | None:
    """Return the size that is asked for; None for the usual one."""
    is_static = isinstance(strategy, StaticChunking)
    return strategy.static.max_chunk_size_tokens if is_static else None


class VectorStoreRequest(RequestBody):
    """A vector store to be made; what it does not name is as configured."""

    name: StoreName = Field(description="What it is called.", examples=[_NAME])
    embedding_model: Text | None = Field(
        default=None,
        description="Model of its vectors, as `GET /v1/models` lists it.",
        examples=["onnx/all-MiniLM-L6-v2"],
    )
    embedding_dimension: Positive | None = Field(
        default=None, description="Length of its vectors.", examples=[384]
    )
    provider_id: Text | None = Field(
        default=None, description="Provider that keeps it.", examples=["faiss_hybrid"]
    )
    chunking_strategy: ChunkingStrategy | None = Field(
        default=None, description="How its files are cut that say nothing else."
    )
    metadata: Metadata | None = Field(
        default=None, description="Whatever shall be kept beside it.", examples=[{"team": "docs"}]
    )

    def new_store(self) -> NewVectorStore:
        """Say the same to the engine."""
        return NewVectorStore(
            name=self.name,
            embedding_model=self.embedding_model,
            embedding_dimension=self.embedding_dimension,
            provider_id=self.provider_id,
            metadata={**(self.metadata or {}), **_cut_as(self.chunking_strategy)},
        )


def _cut_as(strategy: AutoChunking | StaticChunking | None) -> dict[str, Any]:
    tokens = _chunk_tokens(strategy)
    return {} if tokens is None else {MAX_CHUNK_TOKENS: tokens}


_CHANGES: Final[list[Any]] = [
    {"required": [name], "properties": {name: {"not": {"enum": [None]}}}}
    for name in ("name", "expires_at", "metadata")
]


class VectorStoreUpdate(RequestBody):
    """What shall be changed of a vector store."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"anyOf": _CHANGES})

    name: StoreName | None = Field(default=None, examples=[_NAME])
    expires_at: Positive | None = Field(
        default=None, description="When it ends, in seconds since 1970.", examples=[1795334400]
    )
    metadata: Metadata | None = Field(
        default=None, description="In place of what is kept beside it.", examples=[{"team": "docs"}]
    )

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if self.name is None and self.expires_at is None and self.metadata is None:
            raise ValueError("At least one field must be provided: name, expires_at, or metadata")
        return self


class VectorStore(BaseModel):
    """A vector store. Times are in seconds since 1970."""

    id: str = Field(examples=[_ID])
    name: str = Field(examples=[_NAME])
    created_at: int = Field(examples=[1763391371])
    last_active_at: int | None
    expires_at: int | None
    status: str = Field(description="`completed`, `in_progress` or `expired`.")
    usage_bytes: int = Field(examples=[1048576])
    metadata: Metadata
    object: Literal["vector_store"] = "vector_store"

    @classmethod
    def of(cls, state: VectorStoreState) -> Self:
        """Show what a store says of itself."""
        return cls(
            id=state.store_id,
            name=state.name,
            created_at=state.created_at,
            last_active_at=state.last_active_at,
            expires_at=state.expires_at,
            status=state.status,
            usage_bytes=state.usage_bytes,
            metadata=dict(state.metadata),
        )


class VectorStoresResponse(BaseModel):
    """Every vector store that the caller may read."""

    data: list[VectorStore]
    object: Literal["list"] = "list"

    @classmethod
    def of(cls, states: Iterable[VectorStoreState]) -> Self:
        """Show what stores say of themselves."""
        return cls(data=[VectorStore.of(state) for state in states])


class VectorStoreFileRequest(RequestBody):
    """A file for a vector store."""

    file_id: Text = Field(description="One of one's own files.", examples=[_FILE_ID])
    attributes: Attributes | None = Field(
        default=None,
        description="What is kept with its passages; `title` and `url` are those of the document.",
        examples=[{"title": "Installation", "url": "https://docs.example.com/installation"}],
    )
    chunking_strategy: ChunkingStrategy | None = Field(
        default=None, description="How it is cut; unset: as the store says."
    )

    def max_chunk_tokens(self, kept: Mapping[str, Any]) -> int | None:
        """Say how large a chunk may be, by what is asked for, else by the store's metadata."""
        if self.chunking_strategy is None:
            return _chunk_tokens_in(kept)
        return _chunk_tokens(self.chunking_strategy)


class FileFault(BaseModel):
    """Why a file could not be indexed."""

    code: Literal["invalid_file", "server_error"]
    message: str


class FileProgress(BaseModel):
    """How much of a file is indexed."""

    chunks_total: int
    chunks_embedded: int


class VectorStoreFile(BaseModel):
    """A file in a vector store, or on its way there."""

    id: str = Field(examples=[_FILE_ID])
    vector_store_id: str = Field(examples=[_ID])
    status: Literal["in_progress", "completed", "failed", "cancelled"]
    attributes: dict[str, str | bool | int | float]
    last_error: FileFault | None
    created_at: int = Field(description="Seconds since 1970.", examples=[1763391371])
    progress: FileProgress
    object: Literal["vector_store.file"] = "vector_store.file"

    @classmethod
    def of(cls, file: AttachedFile) -> Self:
        """Show a file of a store."""
        return cls(
            id=file.attachment.file_id,
            vector_store_id=file.attachment.store_id,
            status=_STATUS[file.state],
            attributes=dict(file.attachment.attributes),
            last_error=_fault(file),
            created_at=int(file.attachment.created_at.timestamp()),
            progress=FileProgress(
                chunks_total=file.counts.chunks_total,
                chunks_embedded=file.counts.chunks_embedded,
            ),
        )


def _fault(file: AttachedFile) -> FileFault | None:
    if file.state is not JobState.FAILED:
        return None
    if file.fault is not None:
        return FileFault(code="invalid_file", message=file.fault)
    return FileFault(code="server_error", message=file.error or "its job failed")


class VectorStoreFilesResponse(BaseModel):
    """The files of a vector store, the newest first."""

    data: list[VectorStoreFile]
    object: Literal["list"] = "list"

    @classmethod
    def of(cls, files: Iterable[AttachedFile]) -> Self:
        """Show the files of a store."""
        return cls(data=[VectorStoreFile.of(file) for file in files])


class VectorStoreFileDeleted(BaseModel):
    """What taking a file out of a store came to."""

    deleted: bool = Field(description="False when there was no such file.")
    response: str = Field(examples=["File deleted successfully"])
    file_id: str = Field(examples=[_FILE_ID])

    @classmethod
    def of(cls, file_id: str, *, deleted: bool) -> Self:
        """Say whether there was something to take out."""
        outcome = "File deleted successfully" if deleted else "File not found"
        return cls(deleted=deleted, response=outcome, file_id=file_id)


class VectorStoreDeleted(BaseModel):
    """What a deletion came to."""

    deleted: bool = Field(description="False when there was no such store.")
    response: str = Field(examples=["Vector store deleted successfully"])
    vector_store_id: str = Field(examples=[_ID])

    @classmethod
    def of(cls, store_id: str, *, deleted: bool) -> Self:
        """Say whether there was something to delete."""
        outcome = "Vector store deleted successfully" if deleted else "Vector store not found"
        return cls(deleted=deleted, response=outcome, vector_store_id=store_id)
