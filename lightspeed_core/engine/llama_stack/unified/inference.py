"""A provider of models: from our words in `inference.providers` to an entry of run.yaml.

It knows which provider serves which type here. The lean one of ours is preferred; Llama Stack's
own takes its place where a setting is known to that one alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lightspeed_core.config.inference import InferenceProvider
from lightspeed_core.config.inference import InferenceProviderType as Type
from lightspeed_core.errors import ConfigurationError

type IsInstalled = Callable[[str], bool]
type Entry = dict[str, Any]

LEAN_KEYS: Final = frozenset(
    {
        "base_url", "api_key", "headers", "models", "embedding_models", "discover_models",
        "connect_timeout", "idle_timeout", "total_timeout", "max_retries", "max_retry_wait",
        "tls_verify", "tls_ca_file", "tls_client_cert", "tls_client_key",
    }
)  # fmt: skip
"""What `openai_compatible` can be told."""

_LEAN_MODULE: Final = "lightspeed_stack_providers.openai_compatible"
_REFERABLE: Final = re.compile(r"[A-Z0-9_]+")
_REQUIRED_VARIABLE: Final = re.compile(r"\$\{env\.([A-Z0-9_]+)\}")


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that a provider imports, and the name under which it is installed."""

    module: str
    name: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a type is served: by Llama Stack's provider `own`, or by the lean one at `base_url`."""

    own: str
    base_url: str | None = None
    key: str | None = None
    key_name: str = "api_key"
    settings: Mapping[str, str] | None = None
    needs: Package | None = None


_OLLAMA: Final = Package("ollama", "ollama", "leave the key out")
_GENAI: Final = Package(
    "google.genai",
    "google-genai",
    "use type openai with the address of Gemini's compatible endpoint as extra.base_url",
)
_SENTENCES: Final = Package(
    "sentence_transformers",
    "sentence-transformers",
    "use the embedded model onnx/all-MiniLM-L6-v2, which baseline default has",
)

_KINDS: Final[Mapping[Type, Kind]] = {
    Type.OPENAI: Kind(
        own="remote::openai",
        base_url="${env.OPENAI_BASE_URL:=https://api.openai.com/v1}",
        key="OPENAI_API_KEY",
    ),
    Type.OLLAMA: Kind(
        own="remote::ollama",
        base_url="${env.OLLAMA_URL:=http://localhost:11434/v1}",
        key="OLLAMA_API_KEY",
        needs=_OLLAMA,
    ),
    Type.VLLM: Kind(
        own="remote::vllm",
        base_url="${env.VLLM_URL}",
        key="VLLM_API_KEY",
        key_name="api_token",
    ),
    Type.VLLM_RHAIIS: Kind(
        own="remote::vllm",
        base_url="${env.RHAIIS_URL}",
        key="RHAIIS_API_KEY",
        key_name="api_token",
    ),
    Type.VLLM_RHEL_AI: Kind(
        own="remote::vllm",
        base_url="${env.RHEL_AI_URL}",
        key="RHEL_AI_API_KEY",
        key_name="api_token",
    ),
    Type.AZURE: Kind(own="remote::azure", base_url="${env.AZURE_API_BASE}", key="AZURE_API_KEY"),
    Type.WATSONX: Kind(
        own="remote::watsonx",
        key="WATSONX_API_KEY",
        settings={
            "base_url": "${env.WATSONX_BASE_URL:=https://us-south.ml.cloud.ibm.com}",
            "project_id": "${env.WATSONX_PROJECT_ID:=}",
        },
    ),
    Type.VERTEXAI: Kind(
        own="remote::vertexai",
        key_name="access_token",
        settings={
            "project": "${env.VERTEX_AI_PROJECT}",
            "location": "${env.VERTEX_AI_LOCATION:=global}",
        },
        needs=_GENAI,
    ),
    Type.SENTENCE_TRANSFORMERS: Kind(own="inline::sentence-transformers", needs=_SENTENCES),
}


@dataclass(frozen=True, slots=True)
class InferenceSurroundings:
    """What an entry depends on besides its own section.

    `default_models` maps providers to the default model, which is listed without asking.
    """

    environ: Mapping[str, str]
    is_installed: IsInstalled
    default_models: Mapping[str, str]


def inference_entry(
    provider: InferenceProvider, place: str, around: InferenceSurroundings
) -> Entry:
    """Return the provider's entry. `place` is where it stands in the service's own file.

    Raises `ConfigurationError` for a type whose package is not installed and for a variable that
    has to be set and is not.
    """
    kind = _KINDS[provider.type]
    extra = _in_present_words(provider.extra)
    foreign = sorted(extra.keys() - LEAN_KEYS)
    if kind.base_url is None or foreign:
        _check_package(provider, foreign, place, around)
        entry = _own_entry(provider, kind, extra)
    else:
        entry = _lean_entry(provider, kind, extra, around)
    if provider.api_key_env is not None:
        _check_key(provider.api_key_env, place, around)
    _check_variables(entry, provider, place, around)
    return entry


def provider_id(provider: InferenceProvider) -> str:
    """Return the id that the provider has in Llama Stack."""
    return provider.id or provider.type.value


def _in_present_words(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Take `url` for `base_url`, as Llama Stack's providers called it until 0.3."""
    return {"base_url" if key == "url" else key: value for key, value in extra.items()}


def _lean_entry(
    provider: InferenceProvider, kind: Kind, extra: Entry, around: InferenceSurroundings
) -> Entry:
    config: Entry = {"base_url": kind.base_url, "api_key": f"${{env.{kind.key}:=}}"}
    if default := around.default_models.get(provider_id(provider)):
        config["models"] = [default]
    config |= extra
    if provider.api_key_env is not None:
        config["api_key"] = f"${{env.{provider.api_key_env}}}"
    if provider.allowed_models is not None:
        config["models"] = list(provider.allowed_models)
        config["discover_models"] = False
    return {
        "provider_id": provider_id(provider),
        "provider_type": "remote::openai_compatible",
        "module": _LEAN_MODULE,
        "config": config,
    }


def _own_entry(provider: InferenceProvider, kind: Kind, extra: Entry) -> Entry:
    config: Entry = {} if kind.base_url is None else {"base_url": kind.base_url}
    config |= kind.settings or {}
    if kind.key is not None:
        config[kind.key_name] = f"${{env.{kind.key}:=}}"
    config |= extra
    if provider.api_key_env is not None:
        config[kind.key_name] = f"${{env.{provider.api_key_env}}}"
    if provider.allowed_models is not None:
        config["allowed_models"] = list(provider.allowed_models)
    return {
        "provider_id": provider_id(provider),
        "provider_type": kind.own,
        "config": config,
    }


def _check_package(
    provider: InferenceProvider, foreign: list[str], place: str, around: InferenceSurroundings
) -> None:
    kind = _KINDS[provider.type]
    package = kind.needs
    if package is None or around.is_installed(package.module):
        return
    if kind.base_url is None:
        subject = f"{place}.type: {provider.type.value}"
    else:
        subject = f"{place}.extra: {', '.join(foreign)} is known to {kind.own} alone, which"
    raise ConfigurationError(
        f"{subject} needs the Python package {package.name}, which is not installed: "
        f"install it, or {package.instead}"
    )


def _check_key(name: str, place: str, around: InferenceSurroundings) -> None:
    if not _REFERABLE.fullmatch(name):
        raise ConfigurationError(
            f"{place}.api_key_env: '{name}' is no name that Llama Stack can refer to; "
            "it takes A-Z, 0-9 and _"
        )
    if not around.environ.get(name):
        raise ConfigurationError(
            f"{place}.api_key_env: environment variable '{name}' is not set or empty"
        )


def _check_variables(
    entry: Entry, provider: InferenceProvider, place: str, around: InferenceSurroundings
) -> None:
    """Name the setting that would do where a variable that a type goes by is not set."""
    for key, value in entry["config"].items():
        match = _REQUIRED_VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if match and not around.environ.get(match[1]):
            raise ConfigurationError(
                f"{place}: type {provider.type.value} needs extra.{key}, or the environment "
                f"variable '{match[1]}', which is not set or empty"
            )
