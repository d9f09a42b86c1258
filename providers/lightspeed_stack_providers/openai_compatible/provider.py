"""What the stack's loader asks for: the provider's specification."""

from llama_stack_api import Api, RemoteProviderSpec


def get_provider_spec() -> RemoteProviderSpec:
    """Describe the provider to the stack."""
    return RemoteProviderSpec(
        api=Api.inference,
        adapter_type="openai_compatible",
        provider_type="remote::openai_compatible",
        pip_packages=[],
        module="lightspeed_stack_providers.openai_compatible",
        config_class="lightspeed_stack_providers.openai_compatible.config.OpenAICompatibleConfig",
        description="Any endpoint that speaks OpenAI's chat completions and embeddings.",
    )
