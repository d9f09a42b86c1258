"""From a file to a configuration: known files parse, and every fault is told with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.authentication import AuthenticationModule
from lightspeed_core.config.authorization import Action
from lightspeed_core.config.database import SQLiteDatabaseConfiguration
from lightspeed_core.config.load import find_configuration_file, load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import shipped_configuration
from lightspeed_core.errors import ConfigurationError

ENVIRON = {"HOME": "/home/somebody"}
MINIMAL = """
name: Lightspeed
service: {}
llama_stack: {url: "http://llama-stack:8321"}
user_data_collection: {}
"""


def write(directory: Path, text: str) -> Path:
    file = directory / "lightspeed-stack.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def load(directory: Path, text: str, environ: dict[str, str] | None = None) -> Configuration:
    return load_configuration(write(directory, text), ENVIRON if environ is None else environ)


def faults(directory: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    file = write(directory, text)
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(file, ENVIRON if environ is None else environ)
    lines = str(refused.value).splitlines()
    assert all(line.startswith(str(file)) for line in lines)
    return [line.removeprefix(str(file)) for line in lines]


def in_library_mode(directory: Path) -> str:
    run_yaml = directory / "run.yaml"
    run_yaml.write_text("version: 2\n")
    return f"""
name: Lightspeed Core Service (LCS)
service: {{host: 0.0.0.0, port: 8080, workers: 1, auth_enabled: false, color_log: true,
  access_log: true}}
llama_stack:
  use_as_library_client: true
  library_client_config_path: {run_yaml}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {directory}/feedback
  transcripts_enabled: true
  transcripts_storage: {directory}/transcripts
authentication: {{module: noop}}
"""


def with_everything(directory: Path) -> str:
    for name in ("tls.crt", "tls.key", "password.txt", "ocp.faiss"):
        (directory / name).write_text("x")
    (directory / "prompt.txt").write_text("You know the product.\n\n", encoding="utf-8")
    return f"""
name: Lightspeed Core Service (LCS)
service:
  host: 0.0.0.0
  port: 8443
  workers: 1
  tls_config: {{tls_certificate_path: {directory}/tls.crt, tls_key_path: {directory}/tls.key,
    tls_key_password: {directory}/password.txt}}
  cors: {{allow_origins: ["https://console.example.com"], allow_credentials: true,
    allow_methods: ["GET", "POST"], allow_headers: ["Authorization"]}}
llama_stack:
  use_as_library_client: false
  url: http://llama-stack:8321
  api_key: ${{env.LLAMA_STACK_KEY:=none}}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {directory}/feedback
  transcripts_enabled: true
  transcripts_storage: {directory}/transcripts
database:
  postgres: {{host: db, port: 5432, db: lcs, user: lcs, password: "${{env.PG_PASSWORD}}",
    namespace: lightspeed-stack, ssl_mode: require}}
conversation_cache:
  type: sqlite
  sqlite: {{db_path: {directory}/conversation_cache.sqlite}}
mcp_servers:
  - {{name: filesystem-tools, provider_id: model-context-protocol, url: "http://localhost:3000"}}
authentication:
  module: jwk-token
  jwk_config:
    url: https://sso.example.com/certs
    jwt_configuration:
      user_id_claim: user_id
      username_claim: username
      role_rules:
        - {{jsonpath: "$.realm_access.roles[*]", operator: contains, value: manager,
            roles: [manager]}}
        - {{jsonpath: "$.email", operator: match, value: "@example\\\\.com$", roles: [employee]}}
        - {{jsonpath: "$.org_id", operator: equals, value: ["acme"], negate: true,
            roles: [external]}}
authorization:
  access_rules:
    - {{role: "*", actions: [info, get_models, get_metrics]}}
    - {{role: employee, actions: [query, streaming_query, feedback, list_conversations,
        get_conversation, delete_conversation, update_conversation]}}
    - {{role: manager, actions: [admin]}}
customization:
  system_prompt_path: {directory}/prompt.txt
  disable_query_system_prompt: true
inference: {{default_provider: openai, default_model: gpt-4-turbo}}
byok_rag:
  - {{rag_id: ocp-docs, rag_type: "inline::faiss",
      embedding_model: sentence-transformers/all-mpnet-base-v2, embedding_dimension: 768,
      vector_db_id: vs_ocp, db_path: {directory}/ocp.faiss}}
"""


def unified(directory: Path) -> str:
    (directory / "ocp.faiss").write_text("x")
    return f"""
name: Lightspeed Core Service (LCS)
service: {{host: 0.0.0.0, port: 8080, root_path: "/api/lightspeed"}}
llama_stack:
  use_as_library_client: true
  config: {{baseline: default, native_override: {{}}}}
inference:
  default_provider: openai
  default_model: gpt-4o-mini
  providers:
    - {{type: openai, api_key_env: OPENAI_API_KEY, allowed_models: [gpt-4o-mini]}}
user_data_collection: {{feedback_enabled: false, transcripts_enabled: false}}
authentication: {{module: noop, skip_for_health_probes: true, skip_for_metrics: true}}
rag:
  byok:
    stores:
      - {{rag_id: ocp-docs, vector_db_id: vs_ocp, db_path: {directory}/ocp.faiss}}
  retrieval:
    tool: {{sources: [ocp-docs]}}
"""


def test_a_file_for_library_mode_parses_unchanged(tmp_path: Path) -> None:
    configuration = load(tmp_path, in_library_mode(tmp_path))
    assert configuration.llama_stack.use_as_library_client
    assert configuration.llama_stack.library_client_config_path == str(tmp_path / "run.yaml")
    assert configuration.user_data_collection.feedback_storage == f"{tmp_path}/feedback"


def test_a_file_with_every_older_section_parses_unchanged(tmp_path: Path) -> None:
    configuration = load(tmp_path, with_everything(tmp_path), {"PG_PASSWORD": "s3cret"})
    postgres = configuration.database.postgres
    assert postgres is not None
    assert postgres.password.get_secret_value() == "s3cret"
    assert configuration.database.backend is postgres
    assert configuration.authentication.module is AuthenticationModule.JWK
    assert configuration.authentication.jwk_config is not None
    rules = configuration.authentication.jwk_config.jwt_configuration.role_rules
    assert [rule.negate for rule in rules] == [False, False, True]
    assert configuration.authorization is not None
    assert configuration.authorization.access_rules[2].actions == (Action.ADMIN,)
    assert configuration.customization is not None
    assert configuration.customization.system_prompt == "You know the product."
    assert configuration.byok_rag[0].embedding_dimension == 768


def test_a_file_with_newer_sections_parses_unchanged(tmp_path: Path) -> None:
    configuration = load(tmp_path, unified(tmp_path))
    assert configuration.llama_stack.config is not None
    assert configuration.rag.retrieval.tool.sources == ("ocp-docs",)
    assert configuration.authentication.skip_for_metrics


@pytest.mark.requirement("config.refusal")
def test_an_unknown_key_is_told_with_file_line_value_and_the_nearest_known_key(
    tmp_path: Path,
) -> None:
    text = MINIMAL.replace("service: {}", "service:\n  workers: 1\n  prot: 8080")
    assert faults(tmp_path, text) == [
        ", line 5: service.prot = 8080: unknown key; did you mean 'port'?"
    ]


def test_a_key_like_no_other_is_told_with_the_known_ones(tmp_path: Path) -> None:
    text = MINIMAL.replace("service: {}", "service: {cors: {zzz: 1}}")
    assert faults(tmp_path, text) == [
        ", line 3: service.cors.zzz = 1: unknown key; known keys here are allow_origins, "
        "allow_credentials, allow_methods, allow_headers"
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = """
name: 5
service: {port: 99999, workers: two, color_log: maybe}
llama_stack: {url: "http://a", timeout: 1.5}
authentication: {module: magic}
mcp_servers: x
authorization: {access_rules: [{role: r, actions: [fly]}]}
"""
    told = faults(tmp_path, text)
    assert told[0] == ", line 2: name = 5: must be a text"
    assert told[1] == ", line 3: service.port = 99999: Port value should be less than 65536"
    assert told[2] == ', line 3: service.workers = "two": must be an integer'
    assert told[3] == ', line 3: service.color_log = "maybe": must be true or false'
    assert told[4] == ", line 4: llama_stack.timeout = 1.5: must be an integer"
    assert told[5] == ": user_data_collection: is required and missing"
    assert told[6] == ', line 6: mcp_servers = "x": must be a list'
    assert told[7].startswith(
        ', line 5: authentication.module = "magic": Unsupported authentication'
    )
    assert told[8].startswith(
        ", line 7: authorization.access_rules[0].actions[0] = \"fly\": must be one of 'admin', "
    )
    assert len(told) == 9


def test_alternatives_are_told_as_one_problem(tmp_path: Path) -> None:
    text = f"{MINIMAL}mcp_servers: [{{name: a, url: 'http://a', require_approval: often}}]"
    assert faults(tmp_path, text) == [
        ", line 6: mcp_servers[0].require_approval = \"often\": must be one of 'always', 'never'; "
        "or must be a mapping of keys"
    ]


def test_an_unknown_kind_of_shield_is_told_with_the_known_ones(tmp_path: Path) -> None:
    text = f"{MINIMAL}shields: [{{name: a, provider_id: magic}}]"
    assert faults(tmp_path, text) == [
        ", line 6: shields[0]: 'provider_id' must be one of 'question_validity', 'redaction', "
        "'injection_rules'"
    ]


def test_the_line_is_the_files_also_after_dropped_items(tmp_path: Path) -> None:
    text = f"""{MINIMAL}
mcp_servers:
- {{provider_id: __disabled__, nonsense: 1}}
- {{name: a, url: nowhere}}
"""
    assert faults(tmp_path, text) == [
        ', line 9: mcp_servers[1].url = "nowhere": URL must have the form http://host or https://host'
    ]


@pytest.mark.parametrize(
    "section",
    [
        "database: {postgres: {db: d, user: u, password: hunter2, port: 0}}",
        "database: {postgres: {db: d, user: u, password: [hunter2]}}",
        "database: {postgres: {db: d, user: u, password: p, pasword: hunter2}}",
        "database: {postgres: {db: d, user: u, password: p, db_token: hunter2}}",
        "splunk: {url: 'ftp://user:hunter2@host'}",
        "mcp_servers: [{name: a, url: 'http://a', authorization_headers: {Authorization: 2}}]",
        "azure_entra_id: {client_secret: hunter2}",
        "authentication: {module: api-key-token, api_key_config: {api_key: hunter2, x: 1}}",
    ],
)
def test_a_secret_is_never_told(tmp_path: Path, section: str) -> None:
    told = faults(tmp_path, f"{MINIMAL}{section}")
    assert told
    assert "hunter2" not in "\n".join(told)


def test_unset_variables_are_told_all_at_once(tmp_path: Path) -> None:
    text = MINIMAL.replace("Lightspeed", "${env.NAME}").replace("{}", "{host: '${env.HOST}'}", 1)
    told = faults(tmp_path, text)
    assert told[0].startswith(
        ", line 2: name = \"${env.NAME}\": Environment variable 'NAME' not set or empty at name. "
    )
    assert told[1].startswith(", line 3: service.host = ")


def test_a_field_that_wants_a_text_gets_it_as_it_stood(tmp_path: Path) -> None:
    text = """
name: ${env.NAME}
service: {port: "${env.PORT}"}
llama_stack: {url: "http://a", api_key: "${env.KEY}"}
user_data_collection: {}
"""
    environ = {"NAME": "true", "PORT": "0080", "KEY": "00123"}
    configuration = load(tmp_path, text, environ)
    assert configuration.name == "true"
    assert configuration.service.port == 80
    assert configuration.llama_stack.api_key is not None
    assert configuration.llama_stack.api_key.get_secret_value() == "00123"


def test_a_restored_text_does_not_hide_other_problems(tmp_path: Path) -> None:
    text = MINIMAL.replace("Lightspeed", "${env.NAME}").replace("{}", "{port: 0}", 1)
    assert faults(tmp_path, text, {"NAME": "5"}) == [
        ", line 3: service.port = 0: Input should be greater than 0"
    ]


@pytest.mark.parametrize("key", ["data_directory: /x", "customization: {custom_profile: {}}"])
def test_what_is_worked_out_cannot_be_set(tmp_path: Path, key: str) -> None:
    assert faults(tmp_path, f"{MINIMAL}{key}")[0].endswith("cannot be set; it is worked out")


def test_a_fault_of_syntax_is_told_with_line_and_column(tmp_path: Path) -> None:
    assert faults(tmp_path, "name: [x\nservice: {}")[0].startswith(
        ", line 2, column 8: not valid YAML: "
    )


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.yaml"
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(file, ENVIRON)
    assert str(refused.value) == f"{file}: there is no such file"


def test_a_directory_and_a_file_that_is_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory, not a file"):
        load_configuration(tmp_path, ENVIRON)
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"name: caf\xe9")
    with pytest.raises(ConfigurationError, match="not UTF-8: the byte at offset 9"):
        load_configuration(file, ENVIRON)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_text(MINIMAL.strip(), encoding="utf-8-sig")
    assert load_configuration(file, ENVIRON).name == "Lightspeed"


@pytest.mark.requirement("config.file")
def test_the_working_directorys_file_comes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_configuration_file(None) == shipped_configuration()
    write(tmp_path, MINIMAL)
    assert find_configuration_file(None) == Path("lightspeed-stack.yaml")
    assert find_configuration_file(Path("other.yaml")) == Path("other.yaml")


@pytest.mark.requirement("config.file")
def test_the_shipped_configuration_works_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration = load_configuration(None, ENVIRON)
    assert configuration.service.host == "127.0.0.1"
    assert configuration.service.port == 8080
    run_yaml = configuration.llama_stack.library_client_config_path
    assert run_yaml is not None
    assert Path(run_yaml).is_file()
    assert configuration.customization is not None
    assert "[1]" in (configuration.customization.system_prompt or "")
    assert configuration.knowledge.product_docs


@pytest.mark.requirement("listen.environment")
@pytest.mark.requirement("listen.loopback")
def test_address_and_port_of_the_shipped_configuration_come_from_the_environment() -> None:
    environ = {"LIGHTSPEED_HOST": "0.0.0.0", "LIGHTSPEED_PORT": "9090"}
    service = load_configuration(shipped_configuration(), environ).service
    assert (service.host, service.port) == ("0.0.0.0", 9090)


def test_a_shipped_file_that_does_not_exist_is_told(tmp_path: Path) -> None:
    text = f"{MINIMAL}customization: {{system_prompt_path: 'shipped:../../etc/passwd'}}"
    assert faults(tmp_path, text) == [
        ', line 6: customization.system_prompt_path = "shipped:../../etc/passwd": '
        "'../../etc/passwd' is not among the shipped files"
    ]


def test_only_paths_can_name_shipped_files(tmp_path: Path) -> None:
    text = f"{MINIMAL}customization: {{system_prompt: 'shipped:run.yaml'}}"
    customization = load(tmp_path, text).customization
    assert customization is not None
    assert customization.system_prompt == "shipped:run.yaml"


@pytest.mark.requirement("data.directory")
def test_without_a_database_conversations_are_in_the_data_directory(tmp_path: Path) -> None:
    configuration = load(tmp_path, MINIMAL, {"LIGHTSPEED_DATA_DIR": str(tmp_path)})
    assert configuration.data_directory == tmp_path
    assert configuration.database.backend == SQLiteDatabaseConfiguration(
        db_path=f"{tmp_path}/lightspeed-stack.db"
    )
    assert not (tmp_path / "lightspeed-stack.db").exists()


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("conversation_cache: {type: sqlite, sqlite: {db_path: /c.db}}", "/c.db"),
        (
            "conversation_cache: {type: sqlite, sqlite: {db_path: /c.db}}\n"
            "database: {sqlite: {db_path: /d.db}}",
            "/d.db",
        ),
        ("conversation_cache: {type: noop}", "/data/lightspeed-stack.db"),
        ("conversation_cache: {type: memory, memory: {max_entries: 5}}", None),
    ],
)
def test_the_database_comes_before_the_cache_and_the_cache_before_the_default(
    tmp_path: Path, section: str, path: str | None
) -> None:
    backend = load(
        tmp_path, f"{MINIMAL}{section}", {"LIGHTSPEED_DATA_DIR": "/data"}
    ).database.backend
    expected = None if path is None else SQLiteDatabaseConfiguration(db_path=path)
    assert backend == expected


def test_a_run_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = in_library_mode(tmp_path).replace(f"{tmp_path}/run.yaml", "walk.yaml")
    assert faults(tmp_path, text) == [
        ', line 7: llama_stack.library_client_config_path = "walk.yaml": '
        "Llama Stack configuration file 'walk.yaml' is not a file"
    ]


@pytest.mark.parametrize("kind", ["feedback", "transcripts"])
def test_a_storage_that_is_no_directory_is_told(tmp_path: Path, kind: str) -> None:
    (tmp_path / kind).write_text("x")
    told = faults(tmp_path, in_library_mode(tmp_path))
    path = f"{tmp_path}/{kind}"
    assert told[0].endswith(f"Check directory to store {kind} '{path}' is not a directory")


def test_variables_of_tracing_are_gathered(tmp_path: Path) -> None:
    configuration = load(tmp_path, MINIMAL, {**ENVIRON, "OTEL_SERVICE_NAME": "lcs"})
    assert configuration.observability.otel == {"OTEL_SERVICE_NAME": "lcs"}


def customized(directory: Path, **keys: Any) -> Any:
    configuration = load(directory, f"{MINIMAL}{yaml.safe_dump({'customization': keys})}")
    assert configuration.customization is not None
    return configuration.customization


def test_a_profile_gives_its_prompts_and_the_prompt_file_is_not_read(tmp_path: Path) -> None:
    profile = tmp_path / "profile.py"
    profile.write_text("PROFILE_CONFIG = {'system_prompts': {'default': 'Be kind.', 'x': 5}}")
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("unread")
    section = customized(tmp_path, profile_path=str(profile), system_prompt_path=str(prompt))
    assert section.custom_profile.path == str(profile)
    assert section.custom_profile.prompts == {"default": "Be kind."}
    assert section.system_prompt is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("profile.txt", "PROFILE_CONFIG = {'system_prompts': {'default': 'x'}}"),
        ("profile.py", "import nothing_of_this_name"),
        ("profile.py", "this is not Python"),
        ("profile.py", "x = 1"),
        ("profile.py", "PROFILE_CONFIG = 1"),
        ("profile.py", "PROFILE_CONFIG = {'system_prompts': {}}"),
        ("profile.py", "PROFILE_CONFIG = {'system_prompts': 'x'}"),
    ],
)
def test_a_profile_without_usable_prompts_yields_none(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert customized(tmp_path, profile_path=str(tmp_path / name)).custom_profile.prompts == {}


def test_a_profile_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = faults(tmp_path, f"{MINIMAL}customization: {{profile_path: /nowhere.py}}")
    assert told[0].endswith("custom profile '/nowhere.py' is not a file")


def test_a_prompt_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = faults(tmp_path, f"{MINIMAL}customization: {{system_prompt_path: /nowhere.txt}}")
    assert told == [
        ', line 6: customization.system_prompt_path = "/nowhere.txt": must name an existing file'
    ]


def test_the_file_of_a_prompt_comes_before_its_text(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("  From the file. \n")
    section = customized(tmp_path, system_prompt_path=str(prompt), system_prompt="inline")
    assert section.system_prompt == "  From the file."


def test_an_agent_card_is_read_and_checked(tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text("name: agent")
    assert customized(tmp_path, agent_card_path=str(card)).agent_card_config == {"name": "agent"}
    card.write_text("name: [")
    told = faults(tmp_path, f"{MINIMAL}customization: {{agent_card_path: {card}}}")
    assert f"Invalid YAML in agent card file '{card}': " in told[0]
