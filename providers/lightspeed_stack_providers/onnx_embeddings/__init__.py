"""Text embeddings from an ONNX model on this machine, without a hub and without a network."""

from typing import Any

from lightspeed_stack_providers.onnx_embeddings.config import OnnxEmbeddingsConfig
from lightspeed_stack_providers.onnx_embeddings.impl import OnnxEmbeddings

__all__ = ["OnnxEmbeddings", "OnnxEmbeddingsConfig", "get_provider_impl"]


async def get_provider_impl(config: OnnxEmbeddingsConfig, deps: dict[Any, Any]) -> OnnxEmbeddings:
    """Build the provider; the stack calls it once for each entry of run.yaml."""
    provider = OnnxEmbeddings(config)
    await provider.initialize()
    return provider
