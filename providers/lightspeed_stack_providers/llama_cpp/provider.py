"""What the stack reads to load the provider: its API, its type and its configuration class."""

from llama_stack_api import Api, InlineProviderSpec


def get_provider_spec() -> InlineProviderSpec:
    """Describe the provider to the stack's loader of external modules."""
    return InlineProviderSpec(
        api=Api.inference,
        provider_type="inline::llama_cpp",
        pip_packages=[],
        module="lightspeed_stack_providers.llama_cpp",
        config_class="lightspeed_stack_providers.llama_cpp.config.LlamaCppConfig",
        description="A language model from a GGUF file, run by llama.cpp",
    )
