"""Providers are loaded as a boot loads them, and none is started."""

from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.cli.doctor.finding import Finding
from lightspeed_core.cli.doctor.stack import check_providers
from tests.support.doctor import run_config_of

HYBRID = {
    "provider_type": "inline::faiss_hybrid",
    "module": "lightspeed_stack_providers.faiss_hybrid",
}


def loaded(tmp_path: Path, api: str, **entry: Any) -> Finding:
    run_config = run_config_of(tmp_path, providers={api: [{"provider_id": "mine"} | entry]})
    (finding,) = check_providers(run_config, {})
    return finding


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"provider_type": "inline::nothing"}, "no provider type 'inline::nothing'"),
        ({"provider_type": "inline::fais"}, "did you mean 'inline::faiss'?"),
        ({"provider_type": "inline::x", "module": "absent_package"}, "'absent_package' is not"),
        (HYBRID | {"config": {"db_path": 7}}, "db_path"),
        (HYBRID | {"config": {"db_path": "x.db", "secret": "very-secret"}}, "secret"),
        ({"provider_type": "remote::weaviate", "config": {}}, "not installed"),
    ],
)
def test_a_provider_that_cannot_be_loaded_is_fatal(
    tmp_path: Path, entry: dict[str, Any], told: str
) -> None:
    finding = loaded(tmp_path, "vector_io", **entry)
    assert finding.severity == "fatal"
    assert told in finding.what
    assert "very-secret" not in finding.what


@pytest.mark.filterwarnings("ignore")
def test_a_provider_that_can_be_loaded_is_fine_and_makes_nothing(tmp_path: Path) -> None:
    config = {"db_path": str(tmp_path / "data" / "knowledge.db")}
    finding = loaded(tmp_path, "vector_io", **HYBRID, config=config)
    assert finding.severity == "ok"
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]
