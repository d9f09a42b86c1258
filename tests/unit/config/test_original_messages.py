"""The words in which the original refused a bad value are ours too, to the letter."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.load import load_configuration
from lightspeed_core.errors import ConfigurationError

POSTGRES = {"db": "d", "user": "u", "password": "p"}
SQLITE = {"db_path": "/d/x.db"}
STORE = {"rag_id": "r", "vector_db_id": "v", "backend": "pgvector"}
MCP = {"name": "a", "url": "http://a"}
MODULES = "noop, noop-with-token, api-key-token, jwk-token, k8s, rh-identity, trusted-proxy"
SOURCE = (
    "Llama Stack library mode requires a run-configuration source: set a non-empty "
    "inference.providers, a non-empty vector_store.providers, a llama_stack.config block, or "
    "library_client_config_path."
)


def rule(**changes: Any) -> dict[str, Any]:
    values = {"jsonpath": "$.a", "operator": "equals", "value": ["x"], "roles": ["r"], **changes}
    token = {"role_rules": [values]}
    jwk = {"url": "https://sso.example.com/certs", "jwt_configuration": token}
    return {"authentication": {"module": "jwk-token", "jwk_config": jwk}}


def refusal(folder: Path, changes: dict[str, Any]) -> str:
    values: dict[str, Any] = {
        "name": "n",
        "service": {},
        "llama_stack": {"url": "http://llama-stack:8321"},
        "user_data_collection": {},
    }
    file = folder / "lightspeed-stack.yaml"
    file.write_text(yaml.safe_dump({**values, **changes}).replace("FOLDER", str(folder)))
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(file, {"HOME": str(folder)})
    (line,) = str(refused.value).splitlines()
    return line


@pytest.mark.requirement("takeover.configuration")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service": {"port": 65536}}, "Port value should be less than 65536"),
        ({"service": {"port": 0}}, "Input should be greater than 0"),
        (
            {"database": {"postgres": {**POSTGRES, "port": 70000}}},
            "Port value should be less than 65536",
        ),
        (
            {"service": {"cors": {"allow_credentials": True}}},
            "Invalid CORS configuration: allow_credentials can not be set to true when allow "
            "origins contains the '*' wildcard.Use explicit origins or disable credentials.",
        ),
        ({"service": {"root_path": "x"}}, "root_path must start with '/'"),
        ({"service": {"root_path": "/x/"}}, "root_path must not end with '/'"),
        (
            {"llama_stack": {}},
            "Llama Stack URL is not specified and library client mode is not specified",
        ),
        (
            {"llama_stack": {"use_as_library_client": False}},
            "Llama Stack URL is not specified and library client mode is not enabled",
        ),
        ({"llama_stack": {"use_as_library_client": True}}, SOURCE),
        (
            {
                "llama_stack": {
                    "use_as_library_client": True,
                    "library_client_config_path": "/nowhere.yaml",
                }
            },
            "Llama Stack configuration file '/nowhere.yaml' is not a file",
        ),
        (
            {"user_data_collection": {"feedback_enabled": True}},
            "feedback_storage is required when feedback is enabled",
        ),
        (
            {"user_data_collection": {"transcripts_enabled": True}},
            "transcripts_storage is required when transcripts is enabled",
        ),
        (
            {"database": {"sqlite": SQLITE, "postgres": POSTGRES}},
            "Only one database configuration can be provided",
        ),
        (
            {"database": {"postgres": {**POSTGRES, "namespace": "n" * 64}}},
            f"Invalid namespace: {'n' * 64}",
        ),
        ({"database": {"postgres": {**POSTGRES, "namespace": ""}}}, "Invalid namespace: "),
        ({"mcp_servers": [{**MCP, "headers": [""]}]}, "Header names must not be empty"),
        (
            {"mcp_servers": [{**MCP, "headers": ["X-A", "x-a"]}]},
            "Duplicate header name (case-insensitive): 'x-a'",
        ),
        (
            {"authentication": {"module": "foo"}},
            f"Unsupported authentication module 'foo'. Supported modules: {MODULES}",
        ),
        (
            {"authentication": {"module": "jwk-token"}},
            "JWK configuration must be specified when using JWK token authentication",
        ),
        (
            {"authentication": {"module": "rh-identity"}},
            "RH Identity configuration must be specified when using RH Identity authentication",
        ),
        (
            {"authentication": {"module": "api-key-token"}},
            "API Key configuration section must be specified when using "
            "API Key token authentication",
        ),
        (
            {"authentication": {"module": "trusted-proxy"}},
            "Trusted proxy configuration must be specified when using trusted-proxy authentication",
        ),
        (
            rule(operator="match", value=5),
            "MATCH operator requires a string pattern, int",
        ),
        (rule(roles=[]), "At least one role must be specified in the rule"),
        (rule(roles=["a", "a"]), "Roles must be unique in the rule"),
        (
            rule(roles=["*"]),
            "The wildcard '*' role is not allowed in role rules, "
            "everyone automatically gets this role",
        ),
        (
            {"authorization": {"access_rules": [{"role": "r", "actions": ["admin", "query"]}]}},
            "Access rule with 'admin' action cannot have other actions",
        ),
        (
            {"customization": {"profile_path": "/nowhere.py"}},
            "custom profile '/nowhere.py' is not a file",
        ),
        (
            {"inference": {"default_provider": "p"}},
            "Default model must be specified when default provider is set",
        ),
        (
            {"inference": {"default_model": "m"}},
            "Default provider must be specified when default model is set",
        ),
        (
            {"inference": {"providers": [{"type": "openai", "id": "A"}]}},
            "id may contain only lowercase letters, digits, underscores, and hyphens",
        ),
        (
            {"conversation_cache": {"sqlite": SQLITE}},
            "Conversation cache type must be set when backend configuration is provided",
        ),
        (
            {"conversation_cache": {"type": "memory"}},
            "Memory cache is selected, but not configured",
        ),
        (
            {"conversation_cache": {"type": "sqlite"}},
            "SQLite cache is selected, but not configured",
        ),
        (
            {"conversation_cache": {"type": "postgres"}},
            "PostgreSQL cache is selected, but not configured",
        ),
        (
            {
                "conversation_cache": {
                    "type": "memory",
                    "memory": {"max_entries": 1},
                    "sqlite": SQLITE,
                }
            },
            "Only memory cache config must be provided",
        ),
        (
            {"conversation_cache": {"type": "sqlite", "postgres": POSTGRES, "sqlite": SQLITE}},
            "Only SQLite cache config must be provided",
        ),
        (
            {"conversation_cache": {"type": "postgres", "postgres": POSTGRES, "sqlite": SQLITE}},
            "Only PostgreSQL cache config must be provided",
        ),
        (
            {"rag": {"byok": {"stores": [{**STORE, "backend": "chroma"}]}}},
            "Unsupported RAG backend 'chroma'. Supported backends: ['faiss', 'pgvector']",
        ),
        (
            {"rag": {"byok": {"stores": [{**STORE, "backend": "faiss"}]}}},
            "db_path is required when backend is 'faiss'",
        ),
        (
            {"rag": {"byok": {"stores": [STORE, STORE]}}},
            "Duplicate rag_id 'r' in rag.byok.stores. Each store must have a unique rag_id.",
        ),
        (
            {"rag": {"retrieval": {"inline": {"sources": ["x"]}}}},
            "retrieval.inline.sources contains unknown RAG IDs: ['x']. Declared IDs: ['okp']",
        ),
        (
            {"compaction": {"threshold_ratio": 1.1}},
            "threshold_ratio must be between 0.0 and 1.0 (inclusive)",
        ),
        (
            {"a2a_state": {"sqlite": SQLITE, "postgres": POSTGRES}},
            "Only one A2A state storage configuration can be provided",
        ),
        (
            {"splunk": {"enabled": True}},
            "Splunk is enabled but required fields are missing: url, token_path, index",
        ),
        (
            {"shields": [{"name": "a", "provider_id": "redaction"}] * 2},
            "Shield names must be unique, found duplicates: ['a']",
        ),
        (
            {"user_data_collection": {"feedback_enabled": True, "feedback_storage": "FOLDER/x"}},
            "Check directory to store feedback 'FOLDER/x' is not a directory",
        ),
        (
            {
                "user_data_collection": {
                    "transcripts_enabled": True,
                    "transcripts_storage": "FOLDER/x",
                }
            },
            "Check directory to store transcripts 'FOLDER/x' is not a directory",
        ),
        (
            {"name": "${env.NOPE}"},
            "Environment variable 'NOPE' not set or empty at name. Use ${env.NOPE:=default_value} "
            "to provide a default value, ${env.NOPE:+value_if_set} to make the field conditional, "
            "or ensure the environment variable is set.",
        ),
    ],
)
def test_a_bad_value_is_refused_in_the_words_of_the_original(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    (tmp_path / "x").write_text("a file")

    assert refusal(tmp_path, changes).endswith(f": {said.replace('FOLDER', str(tmp_path))}")


@pytest.mark.requirement("takeover.configuration")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (rule(jsonpath="$["), "Invalid JSONPath expression: $[: "),
        (
            rule(operator="match", value="("),
            "Invalid regex pattern for MATCH operator: (: ",
        ),
        (
            {
                "llama_stack": {
                    "use_as_library_client": True,
                    "library_client_config_path": "FOLDER/x",
                    "config": {},
                }
            },
            "Llama Stack configuration is ambiguous: ",
        ),
        (
            {"config_format_version": "unified"},
            "config_format_version is 'unified' but the configuration body is legacy-shaped: ",
        ),
        (
            {"inference": {"providers": [{"type": "openai", "id": " "}]}},
            "id must be non-empty after stripping whitespace; ",
        ),
        (
            {"customization": {"agent_card_path": "FOLDER/bad.yaml"}},
            "Invalid YAML in agent card file 'FOLDER/bad.yaml': ",
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
        (
            {
                "mcp_servers": [
                    {**MCP, "require_approval": {"always": ["t"], "never": ["t"]}},
                ]
            },
            "Tools cannot be in both always and never lists: {'t'}",
        ),
    ],
)
def test_words_of_the_original_stand_in_what_is_said_of_a_bad_value(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    (tmp_path / "x").write_text("version: 2\n")
    (tmp_path / "bad.yaml").write_text("name: [")

    assert said.replace("FOLDER", str(tmp_path)) in refusal(tmp_path, changes)
