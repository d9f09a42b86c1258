"""What a provider of vector stores can be told."""

from lightspeed_core.engine.llama_stack.unified.vector_io import HYBRID_KEYS
from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig


def test_the_hybrid_store_takes_the_keys_that_are_given_to_it() -> None:
    assert set(FaissHybridConfig.model_fields) == HYBRID_KEYS
