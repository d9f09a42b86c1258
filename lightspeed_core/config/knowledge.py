"""Section `knowledge`: documents that the service keeps in vector stores by itself."""

from pydantic import Field

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.config.section import HttpUrl, Section


class KnowledgeFolder(Section):
    """A folder of documents and the vector store that takes them."""

    path: str = Field(min_length=1, description="The folder, with everything below it.")
    store: str = Field(
        min_length=1,
        max_length=256,
        description="Id or name of the vector store; it is made where there is none.",
    )
    watch: bool = Field(
        default=False, description="Whether changes are taken in while the service runs."
    )
    url_prefix: HttpUrl | None = Field(
        default=None,
        description="Where the folder can be read; a document's link is this and its path.",
    )
    include: tuple[str, ...] = Field(
        default=(),
        description="Patterns of the paths that are taken, such as `*.md`; `*` also matches `/`. "
        "Without any, every file whose name is one of a document.",
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Patterns of the paths that are left out, such as `drafts/*`."
    )


class KnowledgeConfiguration(Section):
    """Documents that the service indexes by itself."""

    product_docs: bool = Field(
        default=False, description="Whether this product's own documents are indexed at start."
    )
    store: str = Field(
        default="product-docs", min_length=1, description="Id of the vector store that takes them."
    )
    folders: tuple[KnowledgeFolder, ...] = Field(
        default=(), description="Folders that are indexed at start, and watched where it is set."
    )
    embedding_folder: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of an ONNX model that embeds documents and questions in place of the "
        "default of run.yaml, such as a multilingual one.",
    )
    limits: ParseLimits = Field(
        default=ParseLimits(), description="What reading one file may cost."
    )
