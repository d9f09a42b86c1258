"""What is told at every start: settings that do nothing, and risky ones."""

from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.section import Section
from lightspeed_core.config.shipped import shipped_configuration
from lightspeed_core.config.start_warnings import NOT_SERVED, list_start_warnings


def warnings(environ: dict[str, str] | None = None, **sections: Any) -> tuple[str, ...]:
    values = {
        "name": "n",
        "service": {},
        "llama_stack": {"url": "http://llama-stack:8321"},
        "user_data_collection": {},
        **sections,
    }
    return list_start_warnings(Configuration.model_validate(values), environ or {})


def test_the_shipped_configuration_needs_no_warning() -> None:
    configuration = load_configuration(shipped_configuration(), {"HOME": "/h"})
    assert list_start_warnings(configuration, {}) == ()


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"skills": {"paths": ["/s"]}}, "skills"),
        ({"splunk": {"index": "i"}}, "splunk"),
        (
            {"azure_entra_id": {"tenant_id": "t", "client_id": "c", "client_secret": "s"}},
            "azure_entra_id",
        ),
        ({"rag": {"okp": {"rhokp_url": "http://okp"}}}, "rag.okp"),
        (
            {"rag": {"retrieval": {"inline": {"reranker": {"enabled": True}}}}},
            "rag.retrieval.inline.reranker",
        ),
    ],
)
def test_a_section_that_is_not_served_is_named(sections: dict[str, Any], key: str) -> None:
    assert warnings(**sections) == (f"{key} is not served by this version",)


def test_encryption_by_gssapi_is_told_to_be_in_vain_where_it_is_required() -> None:
    server = {"db": "d", "user": "u", "password": "p"}

    (line,) = warnings(database={"postgres": server | {"gss_encmode": "require"}})

    assert line.startswith("database.postgres.gss_encmode require is not served")
    assert line.endswith("by TLS as ssl_mode prefer says")
    assert warnings(database={"postgres": server}) == ()


@pytest.mark.parametrize(
    "sections",
    [
        {"llama_stack": {"url": "http://llama-stack:8321", "config": {}}},
        {"inference": {"providers": [{"type": "openai"}]}},
        {"vector_store": {"default_provider": "f", "providers": [{"type": "faiss", "id": "f"}]}},
    ],
)
def test_what_describes_a_run_configuration_is_told_to_be_in_vain_beside_a_server(
    sections: dict[str, Any],
) -> None:
    (line,) = warnings(**sections)

    assert "have no effect while llama_stack.use_as_library_client is false" in line
    in_process: dict[str, Any] = {"use_as_library_client": True, "config": {}}
    everything: dict[str, Any] = {**sections, "llama_stack": in_process}
    assert warnings({}, **everything) == ()


def test_a_section_with_its_defaults_written_out_is_not_named() -> None:
    assert warnings(compaction={"enabled": False}, mcp_servers=[]) == ()


def test_every_unserved_place_exists() -> None:
    for place in NOT_SERVED:
        section: type[Section] = Configuration
        for part in place[:-1]:
            annotation = section.model_fields[str(part)].annotation
            found = [each for each in Section.__subclasses__() if each.__name__ in str(annotation)]
            section = found[0]
        assert place[-1] in section.model_fields, place


def test_error_reporting_by_environment_is_named() -> None:
    (said,) = warnings({"SENTRY_DSN": "https://x"})
    assert said.startswith("SENTRY_DSN is set")


LIMITER = {
    "type": "user_limiter",
    "name": "daily",
    "initial_quota": 10,
    "quota_increase": 0,
    "period": "1 day",
}
IN_A_FILE = {"sqlite": {"db_path": "quota.sqlite"}, "limiters": [LIMITER]}


@pytest.mark.requirement("quota.settings")
def test_quotas_that_are_not_what_they_seem_are_told() -> None:
    assert warnings(quota_handlers=IN_A_FILE) == ()
    assert warnings(quota_handlers={}) == ()
    (line,) = warnings(quota_handlers={**IN_A_FILE, "limiters": [LIMITER | {"initial_quota": 0}]})
    assert line.startswith("quota_handlers.limiters: 'daily' grants nothing before its first")
    (line,) = warnings(quota_handlers={"limiters": [LIMITER]})
    assert line.startswith("quota_handlers.limiters: what is spent is counted in memory")
    (line,) = warnings(quota_handlers={"enable_token_history": True})
    assert line == "quota_handlers has no effect without limiters"
    (line,) = warnings(rlsapi_v1={"quota_subject": "user_id"})
    assert line == "rlsapi_v1.quota_subject has no effect without quota_handlers.limiters"


@pytest.mark.requirement("prompt.literal")
def test_a_prompt_with_marks_that_names_no_variable_is_told() -> None:
    (line,) = warnings(customization={"system_prompt": "Charts read {{ .Values.image }}."})

    assert line.startswith("customization.system_prompt is sent as it stands")
    assert warnings(customization={"system_prompt": "You know {{ os }}."}) == ()


@pytest.mark.requirement("prompt.literal")
def test_a_prompt_of_a_profile_with_marks_that_names_no_variable_is_told(tmp_path: Path) -> None:
    profile = tmp_path / "profile.py"
    profile.write_text(
        "PROFILE_CONFIG = {'system_prompts': {'default': '{{ prodct }}',\n"
        "    'topic_summary': '{{ product }}'}, 'variables': {'product': 'x'}}\n"
    )
    file = tmp_path / "lightspeed-stack.yaml"
    file.write_text(
        "{name: n, service: {}, llama_stack: {url: 'http://a'}, user_data_collection: {},\n"
        f" customization: {{profile_path: '{profile}'}}}}\n"
    )

    (line,) = list_start_warnings(load_configuration(file, {"HOME": "/h"}), {})

    assert line.startswith("system_prompts.default of the profile is sent as it stands")


def test_a_folder_of_documents_that_is_missing_is_told(tmp_path: Path) -> None:
    folders = [{"path": str(tmp_path), "store": "a"}, {"path": f"{tmp_path}/gone", "store": "a"}]
    (warning,) = warnings(knowledge={"folders": folders})
    assert warning.startswith("knowledge.folders[1].path: there is no folder")
