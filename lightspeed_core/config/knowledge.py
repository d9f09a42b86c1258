"""Section `knowledge`: this product's own documents as a knowledge base."""

from pydantic import Field

from lightspeed_core.config.section import Section


class KnowledgeConfiguration(Section):
    """This product's own documents as a knowledge base."""

    product_docs: bool = Field(default=False, description="Whether they are indexed at start.")
    store: str = Field(
        default="product-docs", min_length=1, description="Id of the vector store that takes them."
    )
