"""What each section refuses, in the words that operators of the original know."""

import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.config.authorization import AccessRule, Action
from lightspeed_core.config.compaction import CompactionConfiguration
from lightspeed_core.config.conversations import ConversationCacheConfiguration
from lightspeed_core.config.database import DatabaseConfiguration, PostgreSQLDatabaseConfiguration
from lightspeed_core.config.inference import InferenceConfiguration, InferenceProvider
from lightspeed_core.config.integrations import A2AStateConfiguration, SplunkConfiguration
from lightspeed_core.config.llama_stack import LlamaStackConfiguration
from lightspeed_core.config.mcp import ApprovalByTool, ModelContextProtocolServer
from lightspeed_core.config.quota import QuotaHandlersConfiguration
from lightspeed_core.config.rag import ByokConfiguration, ByokStore
from lightspeed_core.config.retention import RetentionConfiguration
from lightspeed_core.config.role_rules import JwtRoleRule
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.section import Section
from lightspeed_core.config.service import (
    CORSConfiguration,
    ServiceConfiguration,
)
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.config.tls import TLSConfiguration
from lightspeed_core.config.user_data import UserDataCollection
from lightspeed_core.config.vector_store import VectorStoreConfiguration

POSTGRES = {"db": "d", "user": "u", "password": "p"}
SQLITE = {"db_path": "/d/x.db"}
LIMITER = {
    "type": "user_limiter",
    "name": "daily",
    "initial_quota": 10,
    "quota_increase": 0,
    "period": "1 day",
}
RULE = {"jsonpath": "$.a", "operator": "equals", "value": ["x"], "roles": ["r"]}
STORE = {"rag_id": "r", "vector_db_id": "v", "backend": "pgvector"}
REDACTION = {"pattern": "[0-9]{4}", "replacement": "****", "case_sensitive": True}
MINIMAL: dict[str, Any] = {
    "name": "n",
    "service": {},
    "llama_stack": {"url": "http://llama-stack:8321"},
    "user_data_collection": {},
}


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        (ServiceConfiguration, {"port": 65536}, "Port value should be less than 65536"),
        (ServiceConfiguration, {"port": 0}, "Input should be greater than 0"),
        (ServiceConfiguration, {"root_path": "x"}, "root_path must start with '/'"),
        (ServiceConfiguration, {"root_path": "/x/"}, "root_path must not end with '/'"),
        (ServiceConfiguration, {"on_disconnect": "maybe"}, "'continue' or 'cancel'"),
        (TLSConfiguration, {"tls_certificate_path": "/no"}, "Path does not point to a file"),
        (
            TLSConfiguration,
            {"min_version": "TLSv1.4"},
            "'TLSv1', 'TLSv1.1', 'TLSv1.2' or 'TLSv1.3'",
        ),
        (
            TLSConfiguration,
            {"min_version": "TLSv1.1"},
            "min_version of profile intermediate must not be below TLSv1.2",
        ),
        (
            TLSConfiguration,
            {"profile": "custom"},
            "profile custom and a list of ciphers belong together",
        ),
        (
            TLSConfiguration,
            {"ciphers": ["AES128-SHA"]},
            "profile custom and a list of ciphers belong together",
        ),
        (
            ServiceLimits,
            {"max_held_bytes": 1024},
            "max_held_bytes must not be less than max_body_bytes",
        ),
        (
            CORSConfiguration,
            {"allow_credentials": True},
            "Invalid CORS configuration: allow_credentials can not be set to true when allow "
            "origins contains the '*' wildcard.Use explicit origins or disable credentials.",
        ),
        (
            LlamaStackConfiguration,
            {},
            "Llama Stack URL is not specified and library client mode is not specified",
        ),
        (
            LlamaStackConfiguration,
            {"use_as_library_client": False},
            "Llama Stack URL is not specified and library client mode is not enabled",
        ),
        (LlamaStackConfiguration, {"url": "llama-stack:8321"}, "URL must have the form http://"),
        (
            UserDataCollection,
            {"feedback_enabled": True},
            "feedback_storage is required when feedback is enabled",
        ),
        (
            UserDataCollection,
            {"transcripts_enabled": True},
            "transcripts_storage is required when transcripts is enabled",
        ),
        (
            DatabaseConfiguration,
            {"sqlite": SQLITE, "postgres": POSTGRES},
            "Only one database configuration can be provided",
        ),
        (PostgreSQLDatabaseConfiguration, {**POSTGRES, "ssl_mode": "x"}, "'verify-full'"),
        (
            AuthenticationConfiguration,
            {"module": "foo"},
            "Unsupported authentication module 'foo'. Supported modules: noop, noop-with-token,",
        ),
        (
            AuthenticationConfiguration,
            {"module": "jwk-token"},
            "JWK configuration must be specified when using JWK token authentication",
        ),
        (
            AuthenticationConfiguration,
            {"module": "rh-identity"},
            "RH Identity configuration must be specified when using RH Identity authentication",
        ),
        (
            AuthenticationConfiguration,
            {"module": "api-key-token"},
            "API Key configuration section must be specified when using "
            "API Key token authentication",
        ),
        (
            AuthenticationConfiguration,
            {"module": "trusted-proxy"},
            "Trusted proxy configuration must be specified when using trusted-proxy authentication",
        ),
        (
            JwtRoleRule,
            {**RULE, "operator": "match", "value": 5},
            "MATCH operator requires a string pattern, int",
        ),
        (
            JwtRoleRule,
            {**RULE, "operator": "match", "value": "("},
            "Invalid regex pattern for MATCH operator: (: ",
        ),
        (JwtRoleRule, {**RULE, "jsonpath": "$["}, "Invalid JSONPath expression: $[: Parse error"),
        (JwtRoleRule, {**RULE, "roles": []}, "At least one role must be specified in the rule"),
        (JwtRoleRule, {**RULE, "roles": ["a", "a"]}, "Roles must be unique in the rule"),
        (
            JwtRoleRule,
            {**RULE, "roles": ["*"]},
            "The wildcard '*' role is not allowed in role rules, "
            "everyone automatically gets this role",
        ),
        (
            AccessRule,
            {"role": "r", "actions": ["admin", "query"]},
            "Access rule with 'admin' action cannot have other actions",
        ),
        (
            InferenceConfiguration,
            {"default_provider": "p"},
            "Default model must be specified when default provider is set",
        ),
        (
            InferenceConfiguration,
            {"default_model": "m"},
            "Default provider must be specified when default model is set",
        ),
        (
            InferenceProvider,
            {"type": "openai", "id": " "},
            "id must be non-empty after stripping whitespace; ",
        ),
        (
            InferenceProvider,
            {"type": "openai", "id": "A"},
            "id may contain only lowercase letters, digits, underscores, and hyphens",
        ),
        (
            ConversationCacheConfiguration,
            {"sqlite": SQLITE},
            "Conversation cache type must be set when backend configuration is provided",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "memory"},
            "Memory cache is selected, but not configured",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "sqlite"},
            "SQLite cache is selected, but not configured",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "postgres"},
            "PostgreSQL cache is selected, but not configured",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "memory", "memory": {"max_entries": 1}, "sqlite": SQLITE},
            "Only memory cache config must be provided",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "sqlite", "postgres": POSTGRES, "sqlite": SQLITE},
            "Only SQLite cache config must be provided",
        ),
        (
            ConversationCacheConfiguration,
            {"type": "postgres", "postgres": POSTGRES, "sqlite": SQLITE},
            "Only PostgreSQL cache config must be provided",
        ),
        (
            ModelContextProtocolServer,
            {"name": "a", "url": "http://a", "headers": [" "]},
            "Header names must not be empty",
        ),
        (
            ModelContextProtocolServer,
            {"name": "a", "url": "http://a", "headers": ["X-A", "x-a"]},
            "Duplicate header name (case-insensitive): 'x-a'",
        ),
        (
            ModelContextProtocolServer,
            {
                "name": "a",
                "url": "http://a",
                "require_approval": {"always": ["t"], "never": ["t"]},
            },
            "Tools cannot be in both always and never lists: {'t'}",
        ),
        (
            ByokStore,
            {**STORE, "backend": "chroma"},
            "Unsupported RAG backend 'chroma'. Supported backends: ['faiss', 'pgvector']",
        ),
        (
            ByokStore,
            {**STORE, "backend": "faiss"},
            "db_path is required when backend is 'faiss'",
        ),
        (
            ByokConfiguration,
            {"stores": [STORE, STORE]},
            "Duplicate rag_id 'r' in rag.byok.stores. Each store must have a unique rag_id.",
        ),
        (
            UserDataCollection,
            {"delete_transcripts_with_conversation": True},
            "transcripts_storage is required when delete_transcripts_with_conversation is set",
        ),
        (RetentionConfiguration, {"conversations_days": 0}, "greater than or equal to 1"),
        (RetentionConfiguration, {"conversations_days": 10**9}, "less than or equal to 36500"),
        (
            CompactionConfiguration,
            {"threshold_ratio": 1.1},
            "threshold_ratio must be between 0.0 and 1.0 (inclusive)",
        ),
        (
            VectorStoreConfiguration,
            {"providers": [{"type": "faiss", "id": "f"}]},
            "vector_store.default_provider is required when providers is non-empty",
        ),
        (
            VectorStoreConfiguration,
            {"providers": [{"type": "faiss", "id": "byok_f"}]},
            "id must not start with 'byok_'",
        ),
        (
            VectorStoreConfiguration,
            {"default_provider": "f", "providers": [{"type": "faiss", "id": "f"}] * 2},
            "vector_store.providers ids must be unique: ['f', 'f']",
        ),
        (
            VectorStoreConfiguration,
            {"default_provider": "g", "providers": [{"type": "faiss", "id": "f"}]},
            "vector_store.default_provider 'g' is not one of ['f']",
        ),
        (VectorStoreConfiguration, {"providers": [{"type": "faiss", "id": "F"}]}, "lowercase"),
        (TLSConfiguration, {"tls_key_path": __file__}, "tls_certificate_path is required"),
        (
            QuotaHandlersConfiguration,
            {"sqlite": SQLITE, "postgres": POSTGRES},
            "Only one quota storage configuration can be provided",
        ),
        (
            QuotaHandlersConfiguration,
            {"limiters": [LIMITER, LIMITER | {"type": "cluster_limiter"}]},
            "two limiters are named 'daily': give each a name of its own",
        ),
        (
            A2AStateConfiguration,
            {"sqlite": SQLITE, "postgres": POSTGRES},
            "Only one A2A state storage configuration can be provided",
        ),
        (
            SplunkConfiguration,
            {"enabled": True, "index": "i"},
            "Splunk is enabled but required fields are missing: url, token_path",
        ),
    ],
)
def test_a_section_refuses_in_known_words(
    section: type[BaseModel], values: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        section.model_validate(values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"llama_stack": {"use_as_library_client": True}},
            "Llama Stack library mode requires a run-configuration source: set a non-empty "
            "inference.providers, a non-empty vector_store.providers, a llama_stack.config "
            "block, or library_client_config_path.",
        ),
        (
            {
                "llama_stack": {
                    "use_as_library_client": True,
                    "library_client_config_path": "run.yaml",
                },
                "inference": {"providers": [{"type": "openai"}]},
            },
            "Llama Stack configuration is ambiguous: ",
        ),
        (
            {"config_format_version": "unified"},
            "config_format_version is 'unified' but the configuration body is legacy-shaped: ",
        ),
        (
            {"rlsapi_v1": {"quota_subject": "org_id"}},
            "rlsapi_v1.quota_subject 'org_id' requires authentication module 'rh-identity'",
        ),
        (
            {"shields": [{"name": "a", "provider_id": "redaction"}] * 2},
            "Shield names must be unique, found duplicates: ['a']",
        ),
        (
            {
                "shields": [
                    {
                        "name": "a",
                        "provider_id": "redaction",
                        "config": {"rules": [{"pattern": "(", "replacement": ""}]},
                    }
                ]
            },
            "Invalid regex pattern: (: ",
        ),
    ],
)
def test_rules_that_span_sections_are_refused_in_known_words(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        Configuration.model_validate({**MINIMAL, **changes})


def test_everything_is_frozen_and_lists_are_tuples() -> None:
    configuration = Configuration.model_validate(MINIMAL)
    assert configuration.service.cors.allow_origins == ("*",)
    for section in (configuration, configuration.service, configuration.rag.byok):
        with pytest.raises(ValidationError, match="frozen"):
            section.name = "x"  # pyright: ignore[reportAttributeAccessIssue] # the point of the test


def test_every_section_refuses_unknown_keys() -> None:
    for section in Section.__subclasses__():
        assert section.model_config.get("extra") == "forbid", section
        assert section.model_config.get("frozen"), section


def test_library_mode_null_means_no() -> None:
    values = {"url": "http://a", "use_as_library_client": None}
    assert LlamaStackConfiguration.model_validate(values).use_as_library_client is False


def test_an_action_is_called_by_its_word() -> None:
    assert {action.name.lower() for action in Action} == {action.value for action in Action}
    assert len(Action) == 39


def test_every_newer_section_is_accepted() -> None:
    values: dict[str, Any] = {
        **MINIMAL,
        "service": {"base_url": "https://lcs.example.com", "root_path": "/api/lightspeed"},
        "inference": {"providers": [{"type": "vllm", "id": " own-id ", "extra": {"a": 1}}]},
        "mcp_servers": [
            {
                "name": "m",
                "url": "http://mcp:3000",
                "authorization_headers": {"Authorization": "kubernetes"},
                "headers": ["X-A", "X-B"],
                "require_approval": {"always": ["write"], "never": ["read"]},
            }
        ],
        "rag": {
            "byok": {"stores": [STORE]},
            "okp": {"rhokp_url": "http://okp", "search_mode": "hybrid"},
            "retrieval": {"inline": {"sources": ["r", "okp"]}, "tool": {"sources": ["r"]}},
        },
        "quota_handlers": {
            "sqlite": {"db_path": "quota.sqlite"},
            "limiters": [
                {
                    "type": "user_limiter",
                    "name": "daily",
                    "initial_quota": 100000,
                    "quota_increase": 0,
                    "period": "1 day",
                }
            ],
            "scheduler": {"period": 1},
        },
        "compaction": {"enabled": True, "threshold_ratio": 1.0},
        "vector_store": {
            "default_provider": "f",
            "providers": [{"type": "faiss", "id": "f", "config": {"a": 1}}],
        },
        "shields": [
            {"name": "a", "provider_id": "redaction", "config": {"rules": [REDACTION]}},
            {"name": "b", "provider_id": "question_validity", "config": {"model_id": "p/m"}},
        ],
        "authentication": {
            "module": "trusted-proxy",
            "trusted_proxy_config": {"allowed_service_accounts": [{"namespace": "n", "name": "a"}]},
        },
        "saved_prompts": {"max_prompts_per_user": 200},
        "rlsapi_v1": {"quota_subject": "user_id"},
        "skills": {"paths": ["/skills"]},
        "splunk": {"enabled": False},
        "config_format_version": "unified",
    }
    configuration = Configuration.model_validate(values)
    assert configuration.inference.providers[0].id == "own-id"
    assert [shield.name for shield in configuration.shields] == ["a", "b"]
    assert configuration.mcp_servers[0].require_approval == ApprovalByTool(
        always=("write",), never=("read",)
    )
    assert Configuration.model_validate(configuration.model_dump()) == configuration


@pytest.mark.parametrize("kind", ["transcripts", "feedback"])
def test_days_for_files_need_the_directory_of_these_files(kind: str) -> None:
    values = MINIMAL | {"retention": {f"{kind}_days": 7}}
    with pytest.raises(ValidationError, match=f"user_data_collection.{kind}_storage"):
        Configuration.model_validate(values)

    values = values | {"user_data_collection": {f"{kind}_storage": "/data"}}
    assert Configuration.model_validate(values).retention != RetentionConfiguration()
