"""How the command starts, and what it refuses to start with."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command import MINIMAL, run, written
from tests.support.service import free_port, running_service, service_environment

START_SECONDS = 90
INDEX_SECONDS = 240


@pytest.mark.requirement("config.refusal")
@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("service:", "servce:"), ["lcs.yaml", "servce", "service"]),
        (("host:", "hots:"), ["lcs.yaml", "service.hots", "host"]),
        (('"${env.LIGHTSPEED_PORT}"', "99999"), ["service.port", "99999", "65536"]),
        (('"${env.LIGHTSPEED_PORT}"', "many"), ["service.port", "many", "integer"]),
        (("${env.LIGHTSPEED_PORT}", "${env.NOWHERE_SET}"), ["service.port", "NOWHERE_SET"]),
        (("{host:", "[host:"), ["lcs.yaml", "line 2"]),
        (("name: minimal\n", ""), ["lcs.yaml", "name", "required"]),
        (("shipped:run.yaml", "missing.yaml"), ["library_client_config_path", "missing.yaml"]),
    ],
)
def test_a_bad_line_is_refused_by_file_key_value_and_what_would_be_right(
    tmp_path: Path, change: tuple[str, str], names: list[str]
) -> None:
    file = written(tmp_path, MINIMAL.replace(*change))

    done = run(tmp_path, "-c", str(file))

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    message = done.stderr.casefold()
    assert [name for name in names if name.casefold() not in message] == []


@pytest.mark.requirement("config.refusal")
def test_a_configuration_file_that_is_missing_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "-c", "nowhere.yaml")

    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


@pytest.mark.requirement("stack.run-yaml")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("models: []\nshields: []\nversion: 2\n", ["models", "registered_resources"]),
        ("version: 2\napis: [agents, inference]\n", ["agents", "responses"]),
        ("version: 2\ndistro_name: x\nprovders: {}\n", ["provders", "providers"]),
    ],
)
def test_a_run_configuration_of_another_age_is_refused_key_by_key(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    written(tmp_path, text, "old-run.yaml")
    file = written(tmp_path, MINIMAL.replace("shipped:run.yaml", "old-run.yaml"))

    done = run(tmp_path, "-c", str(file))

    assert done.returncode == 2, done.stderr
    assert [name for name in ["old-run.yaml", *names] if name not in done.stderr] == []


@pytest.mark.requirement("stack.reliance")
def test_an_engine_without_what_the_configuration_relies_on_stops_the_start(
    tmp_path: Path,
) -> None:
    file = written(
        tmp_path, MINIMAL + "inference: {default_provider: openai, default_model: gone}\n"
    )

    done = run(tmp_path, "-c", str(file))

    assert done.returncode == 2, done.stderr
    assert "openai/gone" in done.stderr
    assert "inference.default_model" in done.stderr


@pytest.mark.requirement("stack.version-range")
def test_a_stack_of_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    metadata = tmp_path / "site" / "llama_stack-0.8.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: llama-stack\nVersion: 0.8.0\n")
    file = written(tmp_path, MINIMAL)

    done = run(tmp_path, "-c", str(file), environment={"PYTHONPATH": str(tmp_path / "site")})

    assert done.returncode == 2, done.stderr
    assert [text for text in ("0.8.0", "0.7.0", "0.7.3") if text not in done.stderr] == []


@pytest.mark.requirement("cli.dump")
def test_the_dump_is_written_with_secrets_masked(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "use_as_library_client: true,", "use_as_library_client: true, api_key: 's3cret',"
    )
    file = written(tmp_path, text)

    done = run(tmp_path, "-d", "-c", str(file), environment={"LIGHTSPEED_PORT": "4711"})

    assert done.returncode == 0, done.stderr
    dumped = (tmp_path / "configuration.json").read_text()
    assert "s3cret" not in dumped
    assert json.loads(dumped)["service"]["port"] == 4711


@pytest.mark.requirement("config.expressions")
def test_an_expression_in_the_configuration_is_replaced(tmp_path: Path) -> None:
    file = written(tmp_path, MINIMAL.replace("name: minimal", "name: '${env.X:=value}'"))

    run(tmp_path, "-d", "-c", str(file))

    assert json.loads((tmp_path / "configuration.json").read_text())["name"] == "value"


def output_of(program: str, *arguments: str, folder: Path) -> str:
    """Run a program in an interpreter of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=service_environment(folder / "data", free_port(), {}),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    return done.stdout


@pytest.mark.requirement("cli.flags")
def test_help_and_the_dump_import_neither_the_stack_nor_the_server(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from lightspeed_core.cli.main import run\n"
        "try:\n"
        "    run(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'llama_stack', 'fastapi', 'sqlalchemy', 'faiss', 'onnxruntime', 'uvicorn',\n"
        "    'joserfc', 'kubernetes_asyncio'}\n"
        "print('imported:', sorted(heavy & sys.modules.keys()))\n"
    )
    for flag in ("-h", "-d", "--version"):
        assert "imported: []" in output_of(program, flag, folder=tmp_path)


@pytest.mark.requirement("start.own-module")
def test_a_start_imports_the_libraries_of_no_other_authentication_module(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "import lightspeed_core.app.factory, lightspeed_core.app.services\n"
        "from lightspeed_core.auth.registry import open_authenticator\n"
        "from lightspeed_core.config.authentication import AuthenticationConfiguration\n"
        "from lightspeed_core.http.settings import OutboundSettings\n"
        "async def start():\n"
        "    async with open_authenticator(AuthenticationConfiguration(), OutboundSettings()):\n"
        "        pass\n"
        "asyncio.run(start())\n"
        "print('imported:', sorted({'joserfc', 'kubernetes_asyncio'} & sys.modules.keys()))\n"
    )
    assert "imported: []" in output_of(program, folder=tmp_path)


@pytest.mark.requirement("engine.boot")
def test_liveness_answers_and_readiness_tells_the_stage_while_the_engine_boots(
    tmp_path: Path,
) -> None:
    with running_service(tmp_path / "data") as service, service.client() as client:
        service.wait_until_listening()
        booting = client.get("/readiness")
        page = client.get("/")
        question = client.post("/v1/query", json={"query": "hello", "vector_store_ids": []})

    assert booting.status_code == 503
    assert booting.json()["ready"] is False
    assert "boot" in booting.json()["reason"]
    assert page.status_code == 200
    assert question.status_code == 200


@pytest.mark.requirement("error.status")
@pytest.mark.requirement("probe.liveness")
@pytest.mark.requirement("probe.readiness")
def test_a_model_that_is_unreachable_is_503_before_the_stream_and_in_readiness(
    tmp_path: Path,
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/v1"
    environment = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": nobody, "OPENAI_MODEL": "m"}
    with running_service(tmp_path / "data", environment=environment) as service:
        service.wait_until_listening()
        with service.client() as client:
            for endpoint in ("/v1/query", "/v1/streaming_query"):
                answer = client.post(endpoint, json={"query": "x", "vector_store_ids": []})
                assert answer.status_code == 503
                assert answer.headers["content-type"] == "application/json"
                assert answer.json()["detail"]["response"] == "Unable to connect to Llama Stack"
            for path in ("/readiness", "/v1/readiness"):
                answer = client.get(path)
                assert (answer.status_code, answer.json()["ready"]) == (503, False)
                assert "openai" in answer.json()["reason"]
            assert client.get("/liveness").status_code == 200
            assert client.get("/v1/info").status_code == 200


@pytest.mark.requirement("start.refusal")
def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        service.wait_until_listening()
        done = run(tmp_path, environment={"LIGHTSPEED_PORT": str(service.port)})

    assert done.returncode == 1
    assert str(service.port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("retrieval.index-once")
def test_a_second_start_embeds_nothing(tmp_path: Path) -> None:
    first, second = (indexed(tmp_path / "data") for _ in range(2))

    assert "document embedded" in first
    assert "document embedded" not in second


def indexed(data: Path) -> str:
    """Run the service until its documents are indexed and return what it logged."""
    with running_service(data) as service:
        until = time.monotonic() + INDEX_SECONDS
        while "documents indexed" not in service.output():
            assert time.monotonic() < until, service.output()
            time.sleep(0.1)
        service.terminate()
        return service.output()
