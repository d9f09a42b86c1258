"""The provider: the stack's vector_io API over a PostgreSQL database."""

from llama_stack_api import Inference

from lightspeed_stack_providers.pgvector_async.config import PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.shelf import DatabaseShelf
from lightspeed_stack_providers.vector_stores.question import Questions
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores


class PgvectorAsync(ShelvedStores):
    """Any number of vector stores in one database.

    All methods raise `DatabaseUnusable` when the database cannot be used.
    """

    def __init__(self, config: PgvectorAsyncConfig, inference: Inference) -> None:
        questions = Questions(inference, mark_queries=config.mark_queries)
        super().__init__(DatabaseShelf(config), questions)
