"""Llama Stack boots inside a process and leaves the process as it was."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.llama_stack.run_config import (
    API_NAMES,
    PROVIDER_KEYS,
    RESOURCE_KEYS,
    STORAGE_KEYS,
    TOP_LEVEL_KEYS,
)
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import ConfigurationError, EngineUnavailable
from tests.support.engines import ROOT, SHIPPED_RUN_YAML, free_port

BOOT_SECONDS = 180
SWITCHES = ("OPENAI_API_KEY", "VLLM_URL", "RHAIIS_URL", "OLLAMA_URL", "LMSTUDIO_URL")
ALONE: dict[str, Any] = {"registered_resources": {}, "vector_stores": None}
UNREACHABLE = {"OPENAI_API_KEY": "very-secret-key", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


def run_boots(tmp_path: Path, *boots: dict[str, Any], **options: bool) -> Any:
    """Make boots in one process of their own; its standard output has to stay empty."""
    report = tmp_path / "report.json"
    plans = [
        {"run_config": str(SHIPPED_RUN_YAML), "data_dir": str(tmp_path / "data"), **boot}
        for boot in boots
    ]
    left_out = {*SWITCHES, "TIKTOKEN_CACHE_DIR", "GEMINI_API_KEY", "LLAMA_CPP_MODEL"}
    left_out.add("PYTEST_CURRENT_TEST")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.boot_script", str(report)],
        input=json.dumps({"boots": plans, **options}).encode(),
        env={name: value for name, value in os.environ.items() if name not in left_out},
        cwd=ROOT,
        capture_output=True,
        timeout=BOOT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    assert done.stdout == b""
    assert b"very-secret-key" not in done.stderr
    return json.loads(report.read_text())


def written(tmp_path: Path, change: dict[str, Any], name: str = "run.yaml") -> str:
    """Write the shipped file with sections replaced."""
    path = tmp_path / name
    content = yaml.safe_load(SHIPPED_RUN_YAML.read_text())
    path.write_text(yaml.safe_dump(content | change))
    return str(path)


def file_registry(tmp_path: Path) -> dict[str, Any]:
    backends = {
        "kv_default": {"type": "kv_sqlite", "db_path": str(tmp_path / "kv.db")},
        "sql_default": {"type": "sql_sqlite", "db_path": str(tmp_path / "sql.db")},
    }
    return {"backends": backends}


def inference(*providers: dict[str, Any]) -> dict[str, Any]:
    """Give sections of a run.yaml with some inference providers and nothing else."""
    return {
        "apis": ["inference"],
        "providers": {"inference": list(providers)},
        **ALONE,
    }


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two boots of the shipped file in one process, with a key set in the second."""
    tmp_path = tmp_path_factory.mktemp("shipped")
    return run_boots(
        tmp_path,
        {"ask": "extractive/quote", "environ": {"LIGHTSPEED_DATA_DIR": "/nowhere"}},
        {"environ": UNREACHABLE},
        block_network=True,
    )


def test_the_shipped_file_boots_with_nothing_set_and_answers(shipped: Any):
    first = shipped["boots"][0]
    assert first["models"] == ["onnx/all-MiniLM-L6-v2", "extractive/quote"]
    assert first["stores"] == ["product-docs"]
    assert first["answer"]


def test_one_variable_makes_a_real_model_the_default(shipped: Any):
    second = shipped["boots"][1]
    assert second["models"][0] == "openai/gpt-4o-mini"


def test_a_second_stack_in_one_process_lists_its_models_too(shipped: Any):
    first, second = shipped["boots"]
    assert set(first["models"]) < set(second["models"])


def test_the_loop_turns_while_llama_stack_is_imported(shipped: Any):
    # The import alone takes hundreds of these ticks.
    assert shipped["boots"][0]["ticks"] > 20


def test_shutdown_leaves_no_task_and_no_thread(shipped: Any):
    assert shipped["tasks"] == []
    assert shipped["threads"] == []


def test_our_logging_is_as_it_was(shipped: Any):
    assert shipped["handlers"] == ["Kept"]
    assert (shipped["root_level"], shipped["our_level"]) == (20, 10)


def test_what_llama_stack_logs_reaches_our_handlers_as_text(shipped: Any):
    assert "WARNING llama_stack.core.stack a warning of the stack" in shipped["logged"]
    assert not any("{'" in line for line in shipped["logged"])


def test_a_root_logger_without_handlers_stays_without(tmp_path: Path):
    report = run_boots(tmp_path, {}, bare_logging=True)
    assert (report["handlers"], report["root_level"]) == ([], 30)


def test_a_built_in_store_boots_without_the_network(tmp_path: Path):
    persistence = {"namespace": "vector_io::faiss", "backend": "kv_default"}
    content = yaml.safe_load(SHIPPED_RUN_YAML.read_text())
    providers = content["providers"] | {
        "vector_io": [
            {
                "provider_id": "faiss_hybrid",
                "provider_type": "inline::faiss",
                "config": {"persistence": persistence},
            }
        ]
    }
    run_config = written(tmp_path, {"providers": providers})
    report = run_boots(tmp_path, {"run_config": run_config}, block_network=True)
    assert report["boots"][0]["stores"] == ["product-docs"]


def test_a_model_of_a_provider_that_is_gone_is_listed_no_more(tmp_path: Path):
    run_config = written(tmp_path, {"storage": file_registry(tmp_path)})
    with_key, without_key = run_boots(
        tmp_path,
        {"run_config": run_config, "environ": UNREACHABLE},
        {"run_config": run_config, "unset": list(UNREACHABLE)},
    )["boots"]
    assert "openai/gpt-4o-mini" in with_key["models"]
    assert without_key["models"] == ["onnx/all-MiniLM-L6-v2", "extractive/quote"]


def test_failed_boots_name_the_cause_and_leave_nothing_behind(tmp_path: Path):
    def file(name: str, change: dict[str, Any]) -> str:
        return written(tmp_path, change, f"{name}.yaml")

    def boot(name: str, *providers: dict[str, Any]) -> dict[str, Any]:
        return {"run_config": file(name, inference(*providers))}

    guard = {"provider_id": "guard", "provider_type": "inline::prompt-guard"}
    prompt_guard = {"safety": [{**guard, "config": {"guard_type": "injection"}}]}
    sdk = {"provider_id": "sdk", "provider_type": "remote::openai"}
    report = run_boots(
        tmp_path,
        boot("absent", {"provider_id": "x", "provider_type": "inline::x", "module": "absent_pkg"}),
        {"run_config": file("torch", {"apis": ["safety"], "providers": prompt_guard, **ALONE})},
        boot("typo", {"provider_id": "x", "provider_type": "inline::nothing"}),
        boot("unset", {**sdk, "config": {"api_key": "${env.NOT_SET_ANYWHERE}"}}),
        boot("wrong", {**sdk, "config": {"base_url": 7, "api_key": "very-secret-key"}}),
        {
            "relies_on": [
                ("shield", "input_none", "lightspeed-stack.yaml: shields[0]"),
                ("model", "openai/gpt-4o-mini", "lightspeed-stack.yaml: inference.default_model"),
            ]
        },
    )
    absent, torch, typo, unset, wrong, relied = report["boots"]
    assert "provider 'x': the Python package 'absent_pkg' is not installed" in absent["cause"]
    assert "provider 'guard': the Python package 'torch' is not installed" in torch["cause"]
    assert "inline::nothing" in typo["cause"]
    assert "NOT_SET_ANYWHERE" in unset["cause"]
    assert "providers.inference[0].config.api_key" in unset["cause"]
    assert "provider 'sdk': base_url: " in wrong["cause"]
    assert "very-secret-key" not in wrong["cause"]
    for name in ("absent", "torch", "typo", "unset", "wrong"):
        assert any(f"{name}.yaml: " in each["cause"] for each in report["boots"])
    first, second = relied["cause"].splitlines()
    assert first.startswith("lightspeed-stack.yaml: shields[0]: Llama Stack lists no shield")
    assert second.startswith("lightspeed-stack.yaml: inference.default_model: Llama Stack lists")
    assert {each["error"] for each in report["boots"]} == {"ConfigurationError"}
    assert (report["tasks"], report["threads"]) == ([], [])


def test_each_example_boots_or_names_the_database_that_is_away(tmp_path: Path):
    environ = {
        **UNREACHABLE,
        "RHAIIS_URL": "http://127.0.0.1:9/v1",
        "GUARD_MODEL": "guard",
        "PGVECTOR_PASSWORD": "very-secret-key",
        "PGVECTOR_PORT": str(free_port()),
    }
    examples = sorted((ROOT / "docs/examples").glob("run-*.yaml"))
    boots = [{"run_config": str(example), "environ": environ} for example in examples]
    reports = run_boots(tmp_path, *boots)["boots"]
    by_name = dict(zip((example.stem for example in examples), reports, strict=True))
    pgvector = by_name.pop("run-openai-pgvector")
    assert pgvector["error"] == "EngineUnavailable"
    assert "provider 'pgvector': " in pgvector["cause"]
    for report in by_name.values():
        assert report["stores"] == ["product-docs"]
        assert "onnx/all-MiniLM-L6-v2" in report["models"]


@pytest.mark.filterwarnings("ignore")
def test_the_known_keys_are_those_of_the_installed_llama_stack():
    from llama_stack.core.datatypes import (  # noqa: PLC0415 - the import takes seconds
        Provider,
        RegisteredResources,
        StackConfig,
    )
    from llama_stack.core.storage.datatypes import StorageConfig  # noqa: PLC0415
    from llama_stack_api import Api  # noqa: PLC0415

    assert set(StackConfig.model_fields) == TOP_LEVEL_KEYS
    assert set(Provider.model_fields) == PROVIDER_KEYS
    assert set(StorageConfig.model_fields) == STORAGE_KEYS
    assert set(RegisteredResources.model_fields) == RESOURCE_KEYS
    assert {api.value for api in Api} == API_NAMES


@asynccontextmanager
async def version_server(port: int, status: str, body: str) -> AsyncGenerator[list[str]]:
    """Answer every request with one answer; gives the requests' first lines."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.decode())
        headers = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield asked


def server_settings(tmp_path: Path, port: int, **changes: Any) -> EngineSettings:
    return EngineSettings(
        library_mode=False,
        url=f"http://127.0.0.1:{port}",
        api_key="the-key",
        data_dir=tmp_path,
        max_retries=changes.pop("max_retries", 1),
        retry_delay=0.05,
        **changes,
    )


@pytest.mark.filterwarnings("ignore")
async def test_a_server_of_another_version_is_refused(tmp_path: Path):
    port = free_port()
    engine = create_engine(server_settings(tmp_path, port))
    async with version_server(port, "200 OK", '{"version": "0.6.1"}') as asked:
        with pytest.raises(
            ConfigurationError, match=r">= 0\.7\.0 is required, but 0\.6\.1 is used"
        ):
            await engine.start()
    assert "authorization: bearer the-key" in asked[0].lower()
    assert engine.status().stage is BootStage.FAILED


@pytest.mark.filterwarnings("ignore")
async def test_a_server_that_refuses_the_key_is_a_matter_of_configuration(tmp_path: Path):
    port = free_port()
    engine = create_engine(server_settings(tmp_path, port))
    async with version_server(port, "401 Unauthorized", '{"error": {"message": "no"}}'):
        with pytest.raises(ConfigurationError, match=r"llama_stack\.api_key: .* refused it"):
            await engine.start()


@pytest.mark.filterwarnings("ignore")
async def test_a_server_that_comes_late_is_waited_for(tmp_path: Path):
    port = free_port()
    engine = create_engine(server_settings(tmp_path, port, max_retries=200))
    async with asyncio.TaskGroup() as group:
        boot = group.create_task(engine.start())
        while engine.status().stage is BootStage.STARTING:
            await asyncio.sleep(0)
        async with version_server(port, "200 OK", '{"version": "0.7.2"}'):
            await boot
            assert await engine.version() == "0.7.2"
    await engine.close()


@pytest.mark.filterwarnings("ignore")
async def test_a_server_that_is_away_is_told_of_or_borne_in_degraded_mode(tmp_path: Path):
    port = free_port()
    engine = create_engine(server_settings(tmp_path, port))
    with pytest.raises(EngineUnavailable, match=f"127.0.0.1:{port}"):
        await engine.start()
    degraded = create_engine(server_settings(tmp_path, port, allow_degraded_mode=True))
    await degraded.start()
    with pytest.raises(EngineUnavailable):
        await degraded.version()
    async with version_server(port, "200 OK", '{"version": "0.7.3"}'):
        assert await degraded.version() == "0.7.3"
    with pytest.raises(EngineUnavailable):
        await degraded.version()
    await degraded.close()
