"""Bodies of `GET /v1/rags` and `GET /v1/rags/{rag_id}`."""

from typing import Literal

from pydantic import BaseModel, Field


class RagsResponse(BaseModel):
    """The ids of the vector stores."""

    rags: list[str] = Field(examples=[["ocp-docs"]])


class RagResponse(BaseModel):
    """A vector store; times are in seconds since 1970."""

    id: str = Field(examples=["ocp-docs"])
    name: str
    created_at: int
    last_active_at: int | None
    usage_bytes: int
    expires_at: int | None
    object: Literal["vector_store"]
    status: str = Field(examples=["completed"])
