import pytest
from pydantic import ValidationError

from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig

URL = "http://127.0.0.1:11434/v1"


def test_a_key_of_digits_is_accepted_after_environment_substitution() -> None:
    config = OpenAICompatibleConfig.model_validate({"base_url": URL, "api_key": 12345})
    assert config.api_key is not None
    assert config.api_key.get_secret_value() == "12345"


def test_a_key_never_shows_in_the_text_of_the_configuration() -> None:
    given = {"base_url": URL, "api_key": "sk-secret\n", "headers": {"api-key": "sk-secret"}}
    config = OpenAICompatibleConfig.model_validate(given)
    assert "sk-secret" not in repr(config)
    assert config.api_key is not None
    assert config.api_key.get_secret_value() == "sk-secret"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ("", ()),
        ("gpt-4o", ("gpt-4o",)),
        ("gpt-4o, o3 ,", ("gpt-4o", "o3")),
        (["b", "a"], ("b", "a")),
        (7, ("7",)),
    ],
)
def test_models_are_a_list_or_comma_separated(given: object, expected: tuple[str, ...]) -> None:
    config = OpenAICompatibleConfig.model_validate({"base_url": URL, "models": given})
    assert config.models == expected


@pytest.mark.parametrize(
    "given", [{"e5": 384, "big": 1024}, "e5=384, big=1024", {"e5": "384", "big": "1024"}]
)
def test_embedding_models_are_a_mapping_or_pairs(given: object) -> None:
    config = OpenAICompatibleConfig.model_validate({"base_url": URL, "embedding_models": given})
    assert config.embedding_models == {"e5": 384, "big": 1024}


def test_an_embedding_model_without_a_dimension_is_refused() -> None:
    with pytest.raises(ValidationError, match="embedding_models"):
        OpenAICompatibleConfig.model_validate({"base_url": URL, "embedding_models": "e5"})


def test_a_trailing_slash_makes_no_difference() -> None:
    assert OpenAICompatibleConfig(base_url=f"{URL}/").base_url == URL


def test_a_missing_path_is_not_guessed() -> None:
    config = OpenAICompatibleConfig(base_url="http://127.0.0.1:11434")
    assert config.base_url == "http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("127.0.0.1:11434/v1", "http://HOST:PORT/v1"),
        ("ftp://host/v1", "http://HOST:PORT/v1"),
        ("http://", "http://HOST:PORT/v1"),
        ("https://host/v1/chat/completions", "right would be https://host/v1"),
        ("https://host/v1/models/", "right would be https://host/v1"),
        ("https://host/v1?key=1", "such as https://host/v1"),
    ],
)
def test_a_wrong_address_is_refused_with_the_right_one(url: str, right: str) -> None:
    with pytest.raises(ValidationError, match="base_url") as caught:
        OpenAICompatibleConfig(base_url=url)
    assert right in str(caught.value)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="basee_url"):
        OpenAICompatibleConfig.model_validate({"base_url": URL, "basee_url": URL})


def test_a_missing_file_of_authorities_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"/nowhere/ca\.pem"):
        OpenAICompatibleConfig(base_url=URL, tls_ca_file="/nowhere/ca.pem")
