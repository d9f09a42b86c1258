"""Embedding calls; it knows which providers tell questions from passages."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.types import EmbeddingPurpose, EmbeddingReach
from lightspeed_core.errors import EngineFailed, NotFound

# The stack refuses longer lists.
LARGEST_BATCH = 2048
# Providers that understand `input_type` and `in_background`; others may refuse a request with them.
_PURPOSE_AWARE = frozenset({"inline::onnx_embeddings"})


async def embed(
    stack: Stack, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
) -> list[list[float]]:
    """Embed texts. Raises `NotFound` before any call when the model is not listed."""
    with translated(model=model):
        if not texts:
            return []
        extra = await _purpose(stack, model, purpose)
        vectors: list[list[float]] = []
        for start in range(0, len(texts), LARGEST_BATCH):
            batch = list(texts[start : start + LARGEST_BATCH])
            vectors += await stack.embed({"model": model, "input": batch, **extra})
        if len(vectors) != len(texts):
            raise EngineFailed(f"Model {model} embedded {len(vectors)} of {len(texts)} texts")
        return vectors


async def embedding_reach(stack: Stack, model: str) -> EmbeddingReach:
    """Tell how far a model reads; exactly where its provider has the tokenizer in this process."""
    with translated(model=model):
        found = await stack.find_model(model)
        if found is None:
            return EmbeddingReach()
        if (counted := await stack.token_count(model)) is not None:
            return EmbeddingReach(tokens=counted.limit, count=counted.count)
        tokens = found["metadata"].get("context_length")
        return EmbeddingReach(tokens=tokens if isinstance(tokens, int) and tokens > 0 else None)


async def _purpose(stack: Stack, model: str, purpose: EmbeddingPurpose) -> Mapping[str, Any]:
    found = await stack.find_model(model)
    if found is None or found["model_type"] != "embedding":
        raise NotFound("model", model)
    types = await stack.provider_types("inference")
    if types.get(found["provider_id"]) not in _PURPOSE_AWARE:
        return {}
    # Passages are embedded when documents are taken in, and nobody waits for that.
    return {
        "input_type": purpose.value,
        "in_background": purpose is EmbeddingPurpose.PASSAGE,
    }
