"""Settings of the provider in run.yaml."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


def half_the_cores() -> int:
    """Count the threads that leave the other half of the machine to the server, at most four."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


class OnnxEmbeddingsConfig(BaseModel):
    """One model; a second model is a second entry in run.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_dir: Path | None = Field(
        default=None,
        description="Folder with model.onnx, tokenizer.json and embedding.json. "
        "Not set: all-MiniLM-L6-v2 (int8), which comes with the provider.",
    )
    model_name: str | None = Field(
        default=None,
        min_length=1,
        description="The model's name in the stack, after `<provider_id>/`. "
        "Not set: all-MiniLM-L6-v2, or the folder's name.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Threads of one inference. Not set: half of the cores, at most four.",
    )
    batch_size: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Texts in one inference. More of them cost memory and gain no speed.",
    )
