"""Real Llama Stacks for tests: one in this process, one as a server in its own.

Both read the shipped run.yaml, with a fake model endpoint behind it and a few providers of Llama
Stack itself beside ours.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import yaml

from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from tests.support.stub_llm import StubLLM

ROOT = Path(__file__).resolve().parents[2]
SHIPPED_RUN_YAML = ROOT / "run.yaml"
START_SECONDS = 120

SDK_MODEL = "sdk/fake-llm"
LEAN_MODEL = "openai/fake-llm"
EMBEDDING_MODEL = "onnx/all-MiniLM-L6-v2"
GUARD = "input_guard"
HYBRID_STORE = "product-docs"
PLAIN_STORE = "plain-docs"


def stub_environment(stub: StubLLM, *, key: str = "key-of-the-stub") -> dict[str, str]:
    """What switches the fake endpoint on, as a user would do it."""
    return {
        "OPENAI_API_KEY": key,
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_MODEL": "fake-llm",
    }


@contextmanager
def environment(**values: str) -> Generator[None]:
    """Set variables of this process for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def write_run_yaml(folder: Path) -> Path:
    """Write the shipped file with an SDK provider, Llama Guard and a built-in faiss store."""
    content: dict[str, Any] = yaml.safe_load(SHIPPED_RUN_YAML.read_text())
    providers = content["providers"]
    providers["inference"].insert(
        1,
        {
            "provider_id": "sdk",
            "provider_type": "remote::openai",
            "config": {
                "api_key": "${env.OPENAI_API_KEY}",
                "base_url": "${env.OPENAI_BASE_URL}",
                "allowed_models": ["fake-llm", "fake-guard"],
            },
        },
    )
    providers["safety"] = [{"provider_id": "guard", "provider_type": "inline::llama-guard"}]
    persistence = {"namespace": "vector_io::faiss", "backend": "kv_faiss"}
    providers["vector_io"].append(
        {
            "provider_id": "faiss",
            "provider_type": "inline::faiss",
            "config": {"persistence": persistence},
        }
    )
    database = "${env.LIGHTSPEED_DATA_DIR}/faiss.db"
    content["storage"]["backends"]["kv_faiss"] = {"type": "kv_sqlite", "db_path": database}
    resources = content["registered_resources"]
    resources["shields"] = [
        {"shield_id": GUARD, "provider_id": "guard", "provider_shield_id": "sdk/fake-guard"}
    ]
    store = {**resources["vector_stores"][0], "provider_id": "faiss"}
    resources["vector_stores"].append(
        {**store, "vector_store_id": PLAIN_STORE, "vector_store_name": PLAIN_STORE}
    )
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@asynccontextmanager
async def started_engine(settings: EngineSettings) -> AsyncGenerator[Engine]:
    """Start an engine and close it."""
    engine = create_engine(settings)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


@contextmanager
def stack_server(run_yaml: Path, data_dir: Path, env: Mapping[str, str]) -> Generator[str]:
    """Run `llama stack run` on a free port of loopback; gives its address."""
    port = free_port()
    log = data_dir / "server.log"
    command = [str(Path(sys.executable).parent / "llama"), "stack", "run", str(run_yaml)]
    tokenizer = ROOT / "lightspeed_core/engine/llama_stack/tokenizer"
    settings = {
        "LIGHTSPEED_DATA_DIR": str(data_dir),
        "LLAMA_STACK_LOG_FORMAT": "json",
        "LLAMA_STACK_LOGGING": "all=warning",
        "TIKTOKEN_CACHE_DIR": str(tokenizer),
        **env,
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "--port", str(port)],
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_healthy(url, process, log)
            yield url
        finally:
            process.kill()


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def wait_for(condition: Any, seconds: float = 10) -> None:
    """Poll a coroutine function until it is true."""
    until = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.02)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/v1/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-4000:]}")
