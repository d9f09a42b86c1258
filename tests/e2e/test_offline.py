"""With nothing set and no network: one command, one cited answer."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.config.shipped import shipped_root

ROOT = Path(__file__).resolve().parents[2]
GUARD = ROOT / "tests" / "support" / "connect_guard"
VISIT_SECONDS = 240
IN_A_NAMESPACE = (
    "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
)


def namespaces_work() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return (
        subprocess.run([*IN_A_NAMESPACE, "true"], check=False, capture_output=True).returncode == 0
    )


def visit(data: Path, *wrapper: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [*wrapper, sys.executable, "-m", "tests.e2e.offline_visit", str(data)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        timeout=VISIT_SECONDS,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(params=["namespace", "guard"], scope="module")
def visited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("offline") / "data"
    if request.param == "guard":
        return visit(data, PYTHONPATH=str(GUARD))
    if not namespaces_work() and os.environ.get("CI") != "true":
        pytest.skip("this system allows no network namespace; the guard stands for it")
    return visit(data, *IN_A_NAMESPACE)


@pytest.mark.requirement("start.cited")
@pytest.mark.requirement("start.no-network")
@pytest.mark.requirement("citation.exact")
def test_a_question_gets_a_cited_answer_from_the_documents(visited: dict[str, Any]) -> None:
    answer = visited["first"]

    assert "LIGHTSPEED_PORT" in answer["response"]
    assert answer["citations"]
    for citation in answer["citations"]:
        assert citation["marker"] in answer["response"]
        source = (shipped_root() / citation["document_id"]).read_text()
        assert source[citation["start"] : citation["end"]] == citation["quote"]


@pytest.mark.requirement("start.restart")
def test_the_conversation_goes_on_after_a_restart(visited: dict[str, Any]) -> None:
    assert visited["again"]["conversation_id"] == visited["first"]["conversation_id"]
    assert visited["again"]["response"]


@pytest.mark.requirement("start.no-network")
def test_nothing_of_the_start_looks_for_a_network(visited: dict[str, Any]) -> None:
    assert "another machine" not in visited["log"]
    assert "Traceback" not in visited["log"]
