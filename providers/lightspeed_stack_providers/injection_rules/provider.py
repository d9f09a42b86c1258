"""What the stack reads to load the provider: its API, its type and its configuration class."""

from llama_stack_api import Api, InlineProviderSpec


def get_provider_spec() -> InlineProviderSpec:
    """Describe the provider to the stack's loader of external modules."""
    return InlineProviderSpec(
        api=Api.safety,
        provider_type="inline::injection_rules",
        pip_packages=[],
        module="lightspeed_stack_providers.injection_rules",
        config_class="lightspeed_stack_providers.injection_rules.config.InjectionRulesConfig",
        description="Finds orders to the assistant by fixed rules",
    )
