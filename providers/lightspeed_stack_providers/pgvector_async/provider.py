"""What the stack's loader reads to find the provider. Nothing else is imported here."""

from llama_stack_api import Api, RemoteProviderSpec


def get_provider_spec() -> RemoteProviderSpec:
    """Describe the provider to the stack."""
    return RemoteProviderSpec(
        api=Api.vector_io,
        adapter_type="pgvector_async",
        provider_type="remote::pgvector_async",
        pip_packages=["lightspeed-stack-providers"],
        module="lightspeed_stack_providers.pgvector_async",
        config_class="lightspeed_stack_providers.pgvector_async.config.PgvectorAsyncConfig",
        api_dependencies=[Api.inference],
        description="PostgreSQL with pgvector: vector, keyword and hybrid search.",
    )
