"""Requests made from the API's own description, right and wrong ones, to a started service."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service, running_service

SEED = 1
REQUESTS_PER_OPERATION = 70
LEAST_CASES = 3000
BOUND_SECONDS = 900

CONFIG = """\
name: described
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", access_log: true}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection:
  {{feedback_enabled: true, feedback_storage: {folder}/feedback,
    transcripts_enabled: true, transcripts_storage: {folder}/transcripts}}
"""
# Asked for by itself: whatever is asked after it would find feedback switched off.
SWITCH = "PUT /v1/feedback/status"
# Which addresses are called is decided by the network's policy, which models and providers there
# are by run.yaml: no schema can tell.
CHOOSING = ("POST /v1/mcp-servers", "POST /v1/vector-stores")

pytestmark = pytest.mark.requirement("api.description")


@dataclass(frozen=True)
class Run:
    """What one run of Schemathesis came to."""

    report: dict[str, Any]
    output: str

    @property
    def cases(self) -> int:
        return self.report["test_cases"]["generated"]


@pytest.fixture(scope="module")
def described(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[Service]:
    """A service of which a good deal is asked."""
    folder = tmp_path_factory.mktemp("described")
    config = folder / "lcs.yaml"
    config.write_text(CONFIG.format(folder=folder))
    with running_service(folder / "data", environment=model_environment, config=config) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture(scope="module")
def runs(described: Service, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """All operations in three runs, the same at every time."""
    apart = tuple(part for each in (SWITCH, *CHOOSING) for part in ("--exclude-name", each))
    choosing = tuple(part for each in CHOOSING for part in ("--include-name", each))
    filters = (
        apart,
        ("--include-name", SWITCH),
        (*choosing, "--exclude-checks", "positive_data_acceptance"),
    )
    return [run(described, tmp_path_factory.mktemp("run"), *each) for each in filters]


@pytest.fixture(scope="module")
def served(described: Service, runs: list[Run]) -> list[str]:
    """The statuses that the service has logged since it was ready."""
    assert sum(each.cases for each in runs) > 0
    _, ready, log = described.output().partition("path=/readiness status=200 ")
    assert ready
    return re.findall(r"request served method=\S+ path=.* status=(\d{3}) ", log)


def run(service: Service, folder: Path, *filters: str) -> Run:
    """Let Schemathesis ask with all its checks, in all its phases."""
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--no-color", "run"),
        *(f"{service.url}/openapi.json", "--checks", "all", "--continue-on-failure"),
        *("--seed", str(SEED), "--max-examples", str(REQUESTS_PER_OPERATION)),
        *("--generation-database", "none", "--report-json-path", "report.json"),
        *filters,
    ]
    # In a folder of its own no configuration is found that would change what is checked.
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        timeout=BOUND_SECONDS,
        capture_output=True,
        check=False,
        text=True,
    )
    report = folder / "report.json"
    assert report.exists(), done.stdout + done.stderr
    return Run(report=json.loads(report.read_text()), output=done.stdout)


def test_whatever_is_asked_the_answers_are_as_described(runs: list[Run]) -> None:
    for each in runs:
        report = each.report
        assert (report["failures"], report["errors"]) == ([], []), each.output
        assert (report["exit_code"], report["complete"]) == (0, True), each.output
        assert {phase["status"] for phase in report["phases"].values()} <= {"success", "skip"}
        assert report["test_cases"]["without_checks"] == 0


def test_every_operation_is_asked_and_often(runs: list[Run], described: Service) -> None:
    with described.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    operations = [each.report["operations"] for each in runs]

    assert sum(each["tested"] for each in operations) == sum(map(len, paths.values()))
    assert [each["selected"] for each in operations] == [each["tested"] for each in operations]
    assert sum(each.cases for each in runs) >= LEAST_CASES, [each.cases for each in runs]


def test_the_service_has_answered_them_all_and_none_with_a_fault_of_its_own(
    runs: list[Run], served: list[str]
) -> None:
    assert len(served) >= sum(each.cases for each in runs)
    assert [status for status in served if status.startswith("5")] == []
    assert {"200", "400", "404", "405", "422"} <= set(served)
