"""Settings of the provider in run.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lightspeed_stack_providers.vector_stores.languages import Language


def _names_a_file(path: Path) -> Path:
    if str(path) in {".", ":memory:"} or path.is_dir():
        message = f"db_path: {str(path)!r} is not a file; name one, such as ./data/knowledge.db"
        raise ValueError(message)
    return path.expanduser()


class FaissHybridConfig(BaseModel):
    """One file; it holds any number of vector stores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    db_path: Annotated[Path, AfterValidator(_names_a_file)] = Field(
        description="SQLite file with the chunks, source texts and vectors. It is created, with "
        "its folder, when it is missing. Local disks only: SQLite's WAL needs shared memory."
    )
    keyword_language: Language = Field(
        default="english",
        description="Language of the word stems and stop words of keyword search, for documents "
        "that do not tell theirs in the metadata `language`. It may be changed at any time; "
        "nothing on disk depends on it.",
    )
    mark_queries: bool = Field(
        default=False,
        description="Send `input_type: query` along when a question is embedded, for models with "
        "prefixes of their own for questions. onnx_embeddings understands it; many endpoints "
        "refuse a field that they do not know.",
    )
