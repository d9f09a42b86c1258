from pathlib import Path

from lightspeed_core.app.settings import assistant_settings, database_settings, engine_settings
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.constants import DEFAULT_SYSTEM_PROMPT
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.domain.turn import ModelRef

LIBRARY = """\
name: test
service: {}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
"""
SERVER = LIBRARY.replace(
    'use_as_library_client: true, library_client_config_path: "shipped:run.yaml"',
    "use_as_library_client: false, url: 'http://stack:8321', api_key: s3cret, timeout: 7",
)


def loaded(tmp_path: Path, text: str) -> Configuration:
    file = tmp_path / "lcs.yaml"
    file.write_text(text)
    return load_configuration(file, {"LIGHTSPEED_DATA_DIR": str(tmp_path / "data")})


def test_the_engine_in_this_process_is_told_its_run_configuration(tmp_path: Path) -> None:
    settings = engine_settings(loaded(tmp_path, LIBRARY))

    assert settings.library_mode
    assert settings.run_config is not None
    assert settings.run_config.name == "run.yaml"
    assert settings.data_dir == tmp_path / "data"


def test_the_engine_on_a_server_is_told_address_key_and_time(tmp_path: Path) -> None:
    settings = engine_settings(loaded(tmp_path, SERVER))

    assert not settings.library_mode
    assert (settings.url, settings.api_key, settings.timeout) == (
        "http://stack:8321",
        "s3cret",
        7,
    )
    assert "s3cret" not in repr(settings)


def test_what_the_configuration_relies_on_is_named_with_its_place(tmp_path: Path) -> None:
    text = LIBRARY + (
        "inference: {default_provider: openai, default_model: gpt}\n"
        "knowledge: {product_docs: true, store: docs}\n"
    )

    settings = engine_settings(loaded(tmp_path, text))

    assert [(reliance.name, reliance.place) for reliance in settings.relies_on] == [
        ("openai/gpt", "inference.default_model"),
        ("docs", "knowledge.store"),
    ]


def test_sections_that_describe_a_run_configuration_stand_for_its_file(tmp_path: Path) -> None:
    text = LIBRARY.replace(', library_client_config_path: "shipped:run.yaml"', "") + (
        "inference: {default_provider: gpu, default_model: m, providers: [{type: vllm, id: gpu}]}\n"
    )

    settings = engine_settings(loaded(tmp_path, text))

    assert settings.run_config is None
    assert settings.sections is not None
    assert [provider.id for provider in settings.sections.inference] == ["gpu"]
    assert settings.sections.default_models == {"gpu": "m"}
    assert settings.sections.default_baseline.name == "run.yaml"


def test_a_server_has_a_run_configuration_of_its_own(tmp_path: Path) -> None:
    text = SERVER + "inference: {providers: [{type: vllm}]}\n"

    assert engine_settings(loaded(tmp_path, text)).sections is None


def test_turns_follow_the_sections_of_the_configuration(tmp_path: Path) -> None:
    text = LIBRARY.replace(
        "service: {}",
        "service: {turn_wait_seconds: 3, resume_seconds: 4, heartbeat_seconds: 5, "
        "drain_seconds: 6, on_disconnect: cancel}",
    ) + (
        "customization: {system_prompt: 'Be brief.', disable_query_system_prompt: true, "
        "disable_shield_ids_override: true}\n"
        "inference: {default_provider: openai, default_model: gpt, max_infer_iters: 2, "
        "max_tool_calls: 9}\n"
        "rag: {retrieval: {inline: {max_chunks: 4}}}\n"
    )

    settings = assistant_settings(loaded(tmp_path, text))

    assert (settings.turn_wait, settings.resume_window, settings.heartbeat, settings.drain) == (
        3,
        4,
        5,
        6,
    )
    assert settings.cancel_on_disconnect
    assert settings.system_prompt == "Be brief."
    assert not settings.allow_system_prompt
    assert not settings.allow_shield_ids
    assert settings.default_model == ModelRef(provider="openai", model="gpt")
    assert (settings.max_infer_iters, settings.max_tool_calls, settings.max_chunks) == (2, 9, 4)


def test_a_profile_stands_before_the_configured_prompt_and_a_default_behind_it(
    tmp_path: Path,
) -> None:
    profile = tmp_path / "profile.py"
    profile.write_text('PROFILE_CONFIG = {"system_prompts": {"default": "From a profile."}}\n')
    with_profile = LIBRARY + (
        f"customization: {{profile_path: '{profile}', system_prompt: 'Configured.'}}\n"
    )

    assert assistant_settings(loaded(tmp_path, with_profile)).system_prompt == "From a profile."
    assert assistant_settings(loaded(tmp_path, LIBRARY)).system_prompt == DEFAULT_SYSTEM_PROMPT


def test_limits_that_are_null_are_the_default_ones(tmp_path: Path) -> None:
    text = LIBRARY + "inference: {max_infer_iters: null, max_tool_calls: null}\n"

    settings = assistant_settings(loaded(tmp_path, text))

    assert (settings.max_infer_iters, settings.max_tool_calls) == (10, 30)


def test_conversations_go_to_a_file_in_the_data_directory_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    file = SqliteSettings(path=tmp_path / "data" / "lightspeed-stack.db")
    in_memory = "conversation_cache: {type: memory, memory: {max_entries: 5}}\n"

    assert database_settings(loaded(tmp_path, LIBRARY)) == file
    assert database_settings(loaded(tmp_path, LIBRARY + in_memory)) is None


def test_a_postgresql_server_is_told_all_that_its_block_says(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    block = (
        "database: {postgres: {host: db, port: 6432, db: lcs, user: me, password: s3cret, "
        f"namespace: ours, ssl_mode: verify-ca, ca_cert_path: {certificate}}}}}\n"
    )

    assert database_settings(loaded(tmp_path, LIBRARY + block)) == PostgresSettings(
        host="db",
        port=6432,
        database="lcs",
        user="me",
        password="s3cret",
        namespace="ours",
        ssl_mode="verify-ca",
        ca_cert_path=certificate,
    )
