"""`lightspeed-stack doctor` as operators run it: good and bad configurations, nothing changed."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import MINIMAL, run, written
from tests.support.service import free_port, running_service
from tests.support.stub_llm import StubLLM

SECRET = "sk-very-secret"


def files(directory: Path) -> Iterator[str]:
    return (str(path.relative_to(directory)) for path in sorted(directory.rglob("*")))


def examined(directory: Path, *arguments: str, environment: dict[str, str]) -> tuple[int, Any]:
    """Examine; see that no file came or went, and that no key was shown."""
    before = list(files(directory))
    done = run(directory, "doctor", "--json", *arguments, environment=environment)
    assert list(files(directory)) == before
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.requirement("doctor.verdict")
@pytest.mark.requirement("doctor.untouched")
def test_the_shipped_configuration_has_nothing_fatal(tmp_path: Path, stub: StubLLM) -> None:
    environment = {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_MODEL": "fake-llm",
    }
    code, shown = examined(tmp_path, environment=environment)

    assert code == 0, shown
    assert (shown["counts"]["fatal"], shown["counts"]["warning"]) == (0, 0), shown
    checks = {finding["check"] for finding in shown["findings"]}
    assert checks == {
        "llama-stack",
        "sections",
        "files",
        "variables",
        "listener",
        "database",
        "providers",
        "stores",
        "endpoints",
        "embeddings",
    }


@pytest.mark.requirement("doctor.untouched")
def test_it_may_be_asked_beside_a_running_service(tmp_path: Path, stub: StubLLM) -> None:
    environment = {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_MODEL": "fake-llm",
    }
    config = written(tmp_path, MINIMAL)
    with running_service(tmp_path / "data", environment=environment, config=config) as service:
        service.wait_until_ready()
        environment["LIGHTSPEED_PORT"] = str(service.port)
        code, shown = examined(tmp_path, "-c", str(config), environment=environment)
        with service.client() as client:
            answer = client.post("/v1/query", json={"query": "hello", "vector_store_ids": []})

    told = [finding for finding in shown["findings"] if finding["severity"] != "ok"]
    assert [(finding["severity"], finding["check"]) for finding in told] == [
        ("warning", "listener")
    ]
    assert code == 0
    assert answer.status_code == 200


@pytest.mark.requirement("doctor.verdict")
@pytest.mark.requirement("doctor.remedy")
def test_every_fault_of_a_bad_configuration_is_named_with_place_and_remedy(tmp_path: Path) -> None:
    database = tmp_path / "newer.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE lcs_schema_version (version_num)")
        connection.execute("INSERT INTO lcs_schema_version VALUES ('9999')")
    more = f"database: {{sqlite: {{db_path: {database}}}}}\nsplunk: {{enabled: false}}\n"
    more += "inference: {default_provider: vllm, default_model: m}\n"
    file = written(tmp_path, MINIMAL + more)
    away = f"http://127.0.0.1:{free_port()}/v1"
    with socket.create_server(("127.0.0.1", 0)) as holder:
        environment = {
            "LIGHTSPEED_PORT": str(holder.getsockname()[1]),
            "OPENAI_API_KEY": SECRET,
            "OPENAI_BASE_URL": away,
            "GEMINI_MODEL": "idle",
        }
        code, shown = examined(tmp_path, "-c", str(file), environment=environment)

    assert code == 1
    bad = [finding for finding in shown["findings"] if finding["severity"] != "ok"]
    places = {(finding["severity"], finding["check"]) for finding in bad}
    assert places == {
        ("fatal", "listener"),
        ("fatal", "database"),
        ("fatal", "endpoints"),
        ("fatal", "models"),
        ("warning", "sections"),
        ("warning", "variables"),
    }
    assert [finding for finding in bad if not finding["remedy"] or not finding["where"]] == []


@pytest.mark.requirement("doctor.verdict")
def test_a_configuration_that_cannot_be_read_is_exit_code_2(tmp_path: Path) -> None:
    file = written(tmp_path, MINIMAL.replace("host:", "hots:"))
    done = run(tmp_path, "doctor", "-c", str(file))
    misused = run(tmp_path, "doctor", "--jason")

    assert (done.returncode, misused.returncode) == (2, 2)
    assert "service.hots" in done.stderr
    assert done.stdout == ""


def test_people_get_a_table(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", str(written(tmp_path, MINIMAL)), "doctor")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("0 fatal, ")
    assert "Llama Stack 0.7.3 is installed" in done.stdout
