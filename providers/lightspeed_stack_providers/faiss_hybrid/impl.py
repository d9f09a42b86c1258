"""The provider: the stack's vector_io API over one SQLite file."""

from llama_stack_api import Inference

from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.faiss_hybrid.shelf import FileShelf
from lightspeed_stack_providers.vector_stores.question import Questions
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores


class FaissHybrid(ShelvedStores):
    """Any number of vector stores in one file.

    All methods raise `StoreFileUnusable` when the file cannot be used.
    """

    def __init__(self, config: FaissHybridConfig, inference: Inference) -> None:
        super().__init__(FileShelf(config), Questions(inference, mark_queries=config.mark_queries))
