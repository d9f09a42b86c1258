"""What the stack's loader reads to find the provider. Nothing else is imported here."""

from llama_stack_api import Api, InlineProviderSpec


def get_provider_spec() -> InlineProviderSpec:
    """Describe the provider to the stack."""
    return InlineProviderSpec(
        api=Api.vector_io,
        provider_type="inline::faiss_hybrid",
        pip_packages=["lightspeed-stack-providers"],
        module="lightspeed_stack_providers.faiss_hybrid",
        config_class="lightspeed_stack_providers.faiss_hybrid.config.FaissHybridConfig",
        api_dependencies=[Api.inference],
    )
