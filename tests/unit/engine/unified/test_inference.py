"""Which provider serves which type, and what is told where none can."""

from typing import Any

import pytest

from lightspeed_core.config.inference import InferenceProvider, InferenceProviderType
from lightspeed_core.engine.llama_stack.unified.inference import (
    LEAN_KEYS,
    InferenceSurroundings,
    inference_entry,
)
from lightspeed_core.errors import ConfigurationError
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig

PLACE = "inference.providers[0]"
ADDRESSES = {"VLLM_URL", "RHAIIS_URL", "RHEL_AI_URL", "AZURE_API_BASE", "VERTEX_AI_PROJECT"}


def entry(
    *,
    environ: dict[str, str] | None = None,
    packages: bool = False,
    default: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    provider = InferenceProvider.model_validate(settings)
    around = InferenceSurroundings(
        environ=environ or {},
        is_installed=lambda _: packages,
        default_models={provider.id or provider.type: default} if default else {},
    )
    return inference_entry(provider, PLACE, around)


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        entry(**settings)
    return refused.value.cause


@pytest.mark.parametrize(
    ("kind", "base_url", "key"),
    [
        ("openai", "${env.OPENAI_BASE_URL:=https://api.openai.com/v1}", "OPENAI_API_KEY"),
        ("ollama", "${env.OLLAMA_URL:=http://localhost:11434/v1}", "OLLAMA_API_KEY"),
        ("vllm", "${env.VLLM_URL}", "VLLM_API_KEY"),
        ("vllm_rhaiis", "${env.RHAIIS_URL}", "RHAIIS_API_KEY"),
        ("vllm_rhel_ai", "${env.RHEL_AI_URL}", "RHEL_AI_API_KEY"),
        ("azure", "${env.AZURE_API_BASE}", "AZURE_API_KEY"),
    ],
)
def test_an_endpoint_of_openais_shape_is_served_by_the_lean_provider(
    kind: str, base_url: str, key: str
) -> None:
    assert entry(type=kind, environ=dict.fromkeys(ADDRESSES, "http://x")) == {
        "provider_id": kind,
        "provider_type": "remote::openai_compatible",
        "module": "lightspeed_stack_providers.openai_compatible",
        "config": {"base_url": base_url, "api_key": f"${{env.{key}:=}}"},
    }


def test_the_lean_provider_takes_the_keys_that_are_given_to_it() -> None:
    assert set(OpenAICompatibleConfig.model_fields) == LEAN_KEYS


def test_the_allowed_models_are_all_that_is_listed() -> None:
    config = entry(
        type="openai",
        allowed_models=["a", "b"],
        default="a",
        extra={"models": ["other"], "discover_models": True},
    )["config"]

    assert (config["models"], config["discover_models"]) == (["a", "b"], False)


def test_a_default_model_is_listed_first_where_all_are_allowed() -> None:
    config = entry(type="openai", default="gpt")["config"]

    assert config["models"] == ["gpt"]
    assert "discover_models" not in config


def test_a_key_is_a_reference_and_its_variable_must_be_set() -> None:
    named: dict[str, Any] = {
        "type": "openai",
        "api_key_env": "MY_KEY",
        "extra": {"api_key": "of-extra"},
    }

    assert entry(**named, environ={"MY_KEY": "sk"})["config"]["api_key"] == "${env.MY_KEY}"
    assert refusal(**named) == (
        f"{PLACE}.api_key_env: environment variable 'MY_KEY' is not set or empty"
    )
    assert "takes A-Z, 0-9 and _" in refusal(type="openai", api_key_env="my-key")


def test_an_address_is_needed_where_a_type_has_none_of_its_own() -> None:
    said = refusal(type="vllm")

    assert said.startswith(f"{PLACE}: type vllm needs extra.base_url")
    assert "'VLLM_URL'" in said
    config = entry(type="vllm", extra={"url": "http://gpu/v1"})["config"]
    assert config == {"base_url": "http://gpu/v1", "api_key": "${env.VLLM_API_KEY:=}"}


def test_a_setting_that_only_llama_stacks_provider_knows_chooses_that_one() -> None:
    found = entry(
        type="vllm",
        id="gpu",
        api_key_env="KEY",
        allowed_models=["m"],
        extra={"base_url": "http://gpu/v1", "max_tokens": 9},
        environ={"KEY": "k"},
    )

    assert found == {
        "provider_id": "gpu",
        "provider_type": "remote::vllm",
        "config": {
            "base_url": "http://gpu/v1",
            "api_token": "${env.KEY}",
            "max_tokens": 9,
            "allowed_models": ["m"],
        },
    }


def test_watsonx_is_served_by_llama_stacks_own_provider() -> None:
    found = entry(type="watsonx", api_key_env="KEY", environ={"KEY": "k"})

    assert found["provider_type"] == "remote::watsonx"
    assert found["config"]["api_key"] == "${env.KEY}"
    assert found["config"]["project_id"] == "${env.WATSONX_PROJECT_ID:=}"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"type": "vertexai"},
            f"{PLACE}.type: vertexai needs the Python package google-genai, which is not "
            "installed: install it, or use type openai with ",
        ),
        (
            {"type": "sentence_transformers"},
            f"{PLACE}.type: sentence_transformers needs the Python package sentence-transformers, "
            "which is not installed: install it, or use the embedded model ",
        ),
        (
            {"type": "ollama", "extra": {"refresh_models": True}},
            f"{PLACE}.extra: refresh_models is known to remote::ollama alone, which needs the "
            "Python package ollama, which is not installed: install it, or leave the key out",
        ),
    ],
)
def test_what_needs_a_package_is_refused_with_what_to_install_or_use(
    settings: dict[str, Any], said: str
) -> None:
    assert refusal(**settings).startswith(said)


def test_what_needs_a_package_is_served_where_it_is_installed() -> None:
    project = {"VERTEX_AI_PROJECT": "p"}
    vertex = entry(type="vertexai", packages=True, environ=project)
    sentences = entry(type="sentence_transformers", packages=True)

    assert vertex["provider_type"] == "remote::vertexai"
    assert vertex["config"]["location"] == "${env.VERTEX_AI_LOCATION:=global}"
    assert (sentences["provider_type"], sentences["config"]) == (
        "inline::sentence-transformers",
        {},
    )


@pytest.mark.parametrize("kind", list(InferenceProviderType))
def test_every_type_has_an_entry(kind: InferenceProviderType) -> None:
    environ = dict.fromkeys(ADDRESSES, "http://x")
    assert entry(type=kind, packages=True, environ=environ)["provider_id"] == kind
