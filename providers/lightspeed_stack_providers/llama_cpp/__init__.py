"""A language model from a GGUF file, run by llama.cpp in a process of its own."""

import asyncio
from typing import Any

from lightspeed_stack_providers.llama_cpp.config import LlamaCppConfig
from lightspeed_stack_providers.llama_cpp.gguf import open_gguf
from lightspeed_stack_providers.llama_cpp.impl import LlamaCpp
from lightspeed_stack_providers.llama_cpp.process import require_library

__all__ = ["LlamaCpp", "LlamaCppConfig", "get_provider_impl"]


async def get_provider_impl(config: LlamaCppConfig, deps: dict[Any, Any]) -> LlamaCpp:
    """Build the provider, which begins to load its file; the stack calls it for each entry.

    Raises `BrokenGguf` and `LibraryMissing`, which stop the boot.
    """
    require_library()
    file = await asyncio.to_thread(open_gguf, config.model_path, config.model_sha256)
    provider = LlamaCpp(config, file)
    await provider.initialize()
    return provider
