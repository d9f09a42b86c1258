"""What the stack reads to load the provider: its API, its type and its configuration class."""

from llama_stack_api import Api, InlineProviderSpec


def get_provider_spec() -> InlineProviderSpec:
    """Describe the provider to the stack's loader of external modules."""
    return InlineProviderSpec(
        api=Api.safety,
        provider_type="inline::question_validity",
        pip_packages=[],
        module="lightspeed_stack_providers.question_validity",
        config_class=("lightspeed_stack_providers.question_validity.config.QuestionValidityConfig"),
        api_dependencies=[Api.inference],
        description="Asks a model whether a question belongs to the product",
    )
