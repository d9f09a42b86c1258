"""The dump shows every setting and no secret."""

import json
from typing import Any

from lightspeed_core.config.redact import dump_configuration, is_secret_key, mask_url
from lightspeed_core.config.root import Configuration

SECRET = "hunter2"
MASK = "**********"


def dump(**sections: Any) -> dict[str, Any]:
    values = {
        "name": "n",
        "service": {},
        "llama_stack": {"url": "http://llama-stack:8321"},
        "user_data_collection": {},
        **sections,
    }
    dumped = dump_configuration(Configuration.model_validate(values))
    json.dumps(dumped)
    return dumped


def test_an_unset_secret_is_null_and_a_set_one_is_masked() -> None:
    assert dump()["llama_stack"]["api_key"] is None
    dumped = dump(llama_stack={"url": "http://a", "api_key": SECRET})
    assert dumped["llama_stack"]["api_key"] == MASK


def test_no_secret_of_any_section_is_shown() -> None:
    postgres = {"db": "d", "user": "u", "password": SECRET}
    dumped = dump(
        database={"postgres": postgres},
        conversation_cache={"type": "postgres", "postgres": postgres},
        quota_handlers={"postgres": postgres},
        a2a_state={"postgres": postgres},
        authentication={"module": "api-key-token", "api_key_config": {"api_key": SECRET}},
        azure_entra_id={"tenant_id": SECRET, "client_id": SECRET, "client_secret": SECRET},
        rag={
            "byok": {
                "stores": [
                    {
                        "rag_id": "r",
                        "vector_db_id": "v",
                        "backend": "pgvector",
                        "password": SECRET,
                    }
                ]
            }
        },
        llama_stack={
            "url": f"http://user:{SECRET}@host:1/path",
            "config": {
                "native_override": {"providers": [{"config": {"apiKey": SECRET, "token": SECRET}}]}
            },
        },
        inference={
            "providers": [{"type": "openai", "extra": {"api_key": SECRET, "secret_name": SECRET}}]
        },
        mcp_servers=[{"name": "m", "url": f"https://{SECRET}@mcp.example.com/"}],
        observability={"otel": {"OTEL_EXPORTER_OTLP_HEADERS": f"key={SECRET}"}},
    )
    text = json.dumps(dumped)
    assert SECRET not in text
    assert dumped["database"]["postgres"]["user"] == "u"
    assert dumped["llama_stack"]["url"] == f"http://{MASK}@host:1/path"


def test_tracing_is_shown_without_headers_keys_and_certificates() -> None:
    otel = {
        "OTEL_SERVICE_NAME": "lcs",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "c",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": "k",
        "OTEL_ANONYMIZATION_SECRET": "s",
    }
    shown = dump(observability={"otel": otel})["observability"]["otel"]
    assert shown == dict.fromkeys(otel, "[REDACTED]") | {"OTEL_SERVICE_NAME": "lcs"}


def test_the_shape_is_that_of_the_file_with_defaults_filled_in() -> None:
    dumped = dump()
    assert dumped["service"]["tls_config"] == {
        "tls_certificate_path": None,
        "tls_key_path": None,
        "tls_key_password": None,
        "profile": "intermediate",
        "min_version": None,
        "ciphers": [],
        "client_ca_path": None,
    }
    assert dumped["service"]["cors"]["allow_origins"] == ["*"]
    assert dumped["authentication"]["module"] == "noop"
    assert dumped["authorization"] is None
    assert dumped["mcp_servers"] == []


def test_our_own_keys_are_secret_by_type_and_others_by_name() -> None:
    assert is_secret_key("password")
    assert is_secret_key("pasword")
    assert is_secret_key("X-Api-Key".replace("-", "_"))
    assert is_secret_key("bearer")
    assert is_secret_key("tls_key_password")
    assert not is_secret_key("tls_key_path")
    assert not is_secret_key("token_floor")
    assert not is_secret_key("port")


def test_what_a_query_has_of_keys_is_masked() -> None:
    url = "https://host/mcp?team=red&tavilyApiKey=k-1&access_token=t-2#end"
    assert mask_url(url) == f"https://host/mcp?team=red&tavilyApiKey={MASK}&access_token={MASK}#end"


def test_a_url_without_credentials_stays_as_it_is() -> None:
    assert mask_url("https://host/a@b") == "https://host/a@b"
