"""The few constants that have a public name."""

from typing import Final

MINIMAL_SUPPORTED_LLAMA_STACK_VERSION: Final = "0.7.0"
MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION: Final = "0.7.3"

DISTRIBUTION: Final = "lightspeed-stack"

DEFAULT_USER_ID: Final = "00000000-0000-0000-0000-000"
DEFAULT_USER_NAME: Final = "lightspeed-user"
DEFAULT_SYSTEM_PROMPT: Final = "You are a helpful assistant"
DEFAULT_CONFIGURATION_FILE: Final = "lightspeed-stack.yaml"
