"""The range of Llama Stack versions that the adapter was written for; imports none of it."""

import importlib.metadata
import re

from packaging.version import Version

from lightspeed_core.constants import (
    MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION,
    MINIMAL_SUPPORTED_LLAMA_STACK_VERSION,
)
from lightspeed_core.errors import ConfigurationError

SUPPORTED = (
    f"supported are {MINIMAL_SUPPORTED_LLAMA_STACK_VERSION} to "
    f"{MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION}"
)


def installed_version() -> str:
    """Tell the version of the installed package. Raises `ConfigurationError` without one."""
    try:
        return importlib.metadata.version("llama-stack")
    except importlib.metadata.PackageNotFoundError as exc:
        raise ConfigurationError(f"Llama Stack is not installed; {SUPPORTED}") from exc


def check_version(used: str) -> None:
    """Refuse a version outside the supported range, both ends of which are supported.

    Suffixes such as `.dev1` or `+local` do not count. Raises `ConfigurationError`.
    """
    found = re.search(r"\d+\.\d+\.\d+", used)
    if found is None:
        raise ConfigurationError(f"Llama Stack reports the version '{used}'; {SUPPORTED}")
    version = Version(found.group())
    if version < Version(MINIMAL_SUPPORTED_LLAMA_STACK_VERSION):
        raise _refusal(">=", MINIMAL_SUPPORTED_LLAMA_STACK_VERSION, used)
    if version > Version(MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION):
        raise _refusal("<=", MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION, used)


def _refusal(relation: str, bound: str, used: str) -> ConfigurationError:
    return ConfigurationError(
        f"Llama Stack version {relation} {bound} is required, but {used} is used; {SUPPORTED}"
    )
