"""Settings of the provider in run.yaml."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


def most_of_the_cores() -> int:
    """Count the threads that leave one core to the server."""
    return max(1, (os.cpu_count() or 1) - 1)


class LlamaCppConfig(BaseModel):
    """One model; a second model is a second entry in run.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_path: Path = Field(description="The GGUF file of an instruction-tuned model.")
    model_name: str | None = Field(
        default=None,
        min_length=1,
        description="The model's name in the stack, after `<provider_id>/`. "
        "Not set: the file's name without its ending.",
    )
    model_sha256: (
        Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)] | None
    ) = Field(default=None, description="SHA-256 of the file, compared at every start.")
    context_size: int = Field(
        default=4096,
        ge=256,
        description="Tokens of prompt and answer together; no more than the model was trained for.",
    )
    max_tokens: int = Field(
        default=1024, ge=1, description="The most tokens of an answer, whatever a request asks for."
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads that compute. Not set: all cores but one."
    )
    parallel: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Answers at a time; each has a context of its own, which costs memory.",
    )
    max_waiting: int = Field(
        default=16, ge=0, description="Requests that may wait for their turn; one more is refused."
    )
    silence: float = Field(
        default=600,
        gt=0,
        description="Seconds without a token, the reading of the prompt included, after which an "
        "answer is given up.",
    )
