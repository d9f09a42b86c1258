"""The run configuration, as far as it can be judged without loading anything."""

from pathlib import Path

from lightspeed_core.app.settings import engine_settings
from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.stack import (
    check_default_model,
    check_package,
    check_stores,
    examine_run_config,
)
from lightspeed_core.config.llama_stack import UnifiedLlamaStackConfiguration
from lightspeed_core.engine.llama_stack.settings import Reliance, Resource
from tests.support.doctor import NO_USER_DATA, examined_configuration, run_config_of

PLACE = "llama_stack.library_client_config_path"


def test_the_installed_package_is_of_a_supported_version() -> None:
    assert check_package().severity is Severity.OK


def test_the_shipped_run_configuration_is_fine(tmp_path: Path) -> None:
    settings = engine_settings(examined_configuration(tmp_path))
    run_config, (finding,) = examine_run_config(settings, {})
    assert run_config is not None
    assert (finding.severity, finding.where) == (Severity.OK, PLACE)


def test_each_old_key_is_a_finding(tmp_path: Path) -> None:
    old = tmp_path / "old.yaml"
    old.write_text("version: 3\ndistro_name: x\napis: []\nproviders: {}\nmodels: []\n")
    configuration = examined_configuration(tmp_path)
    stack = configuration.llama_stack.model_copy(update={"library_client_config_path": str(old)})
    settings = engine_settings(configuration.model_copy(update={"llama_stack": stack}))

    run_config, findings = examine_run_config(settings, {})

    assert run_config is None
    assert {finding.severity for finding in findings} == {Severity.FATAL}
    told = "\n".join(finding.what for finding in findings)
    assert [key for key in ("version: ", "models: ", "storage: ") if key not in told] == []
    assert len(findings) == 3


def test_a_run_configuration_that_is_built_is_examined_and_not_written(tmp_path: Path) -> None:
    text = NO_USER_DATA + "inference: {providers: [{type: ollama}]}\n"
    configuration = examined_configuration(tmp_path, text, path=None)

    run_config, (finding,) = examine_run_config(engine_settings(configuration), {})

    assert (finding.severity, finding.where) == (Severity.OK, "llama_stack.config")
    assert run_config is not None
    assert "ollama" in run_config.provider_ids({})
    assert [path.name for path in tmp_path.iterdir()] == ["lcs.yaml"]


def test_a_key_that_spoils_what_is_built_is_a_finding(tmp_path: Path) -> None:
    text = NO_USER_DATA + "inference: {providers: [{type: ollama}]}\n"
    configuration = examined_configuration(tmp_path, text, path=None)
    section = UnifiedLlamaStackConfiguration(native_override={"modles": []})
    stack = configuration.llama_stack.model_copy(update={"config": section})
    settings = engine_settings(configuration.model_copy(update={"llama_stack": stack}))

    run_config, (finding,) = examine_run_config(settings, {})

    assert run_config is None
    assert finding.what.startswith("the built run configuration: modles: unknown key")


def test_a_store_that_is_relied_on_wants_to_be_registered(tmp_path: Path) -> None:
    store = {"vector_store_id": "docs"}
    run_config = run_config_of(tmp_path, registered_resources={"vector_stores": [store]})
    relies_on = [
        Reliance(resource=Resource.VECTOR_STORE, name=name, place="knowledge.store")
        for name in ("docs", "dogs")
    ]

    there, missing = check_stores(run_config, relies_on)

    assert (there.severity, missing.severity) == (Severity.OK, Severity.WARNING)
    assert "dogs is not registered" in missing.what
    assert (missing.where, bool(missing.remedy)) == ("knowledge.store", True)


def test_a_default_model_wants_its_provider_on(tmp_path: Path) -> None:
    entry = {"provider_id": "${env.SOME_KEY:+some}", "provider_type": "inline::some"}
    run_config = run_config_of(tmp_path, providers={"inference": [entry]})

    assert list(check_default_model(run_config, {}, None)) == []
    (on,) = check_default_model(run_config, {"SOME_KEY": "x"}, "some/model")
    (off,) = check_default_model(run_config, {}, "some/model")

    assert (on.severity, off.severity) == (Severity.OK, Severity.FATAL)
    assert "some/model" in off.what
