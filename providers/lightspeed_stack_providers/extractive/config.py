"""Settings of the provider in run.yaml."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

# Chosen on 88 questions, half of them without an answer; see docs/providers/extractive.md.
DEFAULT_THRESHOLD: Final = 0.4


class ExtractiveConfig(BaseModel):
    """How sentences are ranked, and when none is good enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use_embeddings: bool = Field(
        default=True,
        description="Rank by meaning and words; false ranks by words alone.",
    )
    embedding_model: str = Field(
        default="onnx/all-MiniLM-L6-v2",
        description="The stack's identifier of the embedding model to rank with.",
    )
    threshold: float = Field(
        default=DEFAULT_THRESHOLD,
        ge=0,
        le=1,
        description="Sentences that score less are not quoted. The default suits "
        "all-MiniLM-L6-v2; another embedding model needs its own.",
    )
