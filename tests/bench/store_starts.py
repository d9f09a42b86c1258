"""Measures the start of a service with a filled vector store beside one without chunks."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from tests.bench.processes import Meter, wait_for
from tests.bench.requests_plan import RETRIEVING, TOKENS
from tests.bench.serving import service_settings, told_when_ended
from tests.support.service import free_port, running_service
from tests.support.stub_llm import stub_llm

CONFIG: Final = """\
name: stores
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
"""


@dataclass(frozen=True)
class StoreStart:
    """Seconds until readiness, and of the first two answers after it; megabytes after these."""

    readiness: float
    first_answer: float
    second_answer: float
    memory: float


@dataclass(frozen=True)
class StoreStarts:
    """One pair a round."""

    empty: list[StoreStart] = field(default_factory=list[StoreStart])
    filled: list[StoreStart] = field(default_factory=list[StoreStart])


def measure_store_starts(empty: Path, filled: Path, rounds: int) -> StoreStarts:
    """Start a service over each data directory in turn; the first two starts are not counted."""
    starts = StoreStarts()
    config = filled.with_suffix(".yaml")
    config.write_text(CONFIG)
    with stub_llm("--tokens", str(TOKENS)) as stub:
        environment = service_settings(stub.base_url)
        for number in range(rounds + 1):
            for data, kept in ((empty, starts.empty), (filled, starts.filled)):
                start = _start(data, config, environment)
                if number:
                    kept.append(start)
            print(f"stores: start {number} of {rounds}", file=sys.stderr)
    return starts


def _start(data: Path, config: Path, environment: dict[str, str]) -> StoreStart:
    port = free_port()
    began = time.perf_counter()
    with (
        running_service(data, environment=environment, config=config, port=port) as service,
        told_when_ended(service),
        service.client() as client,
    ):
        wait_for(port, "/readiness")
        readiness = time.perf_counter() - began
        first, second = _answer(client), _answer(client)
        memory = Meter(service.process.pid).memory()
        service.terminate()
        return StoreStart(readiness, first, second, memory)


def _answer(client: httpx2.Client) -> float:
    began = time.perf_counter()
    client.post("/v1/query", json=dict(RETRIEVING)).raise_for_status()
    return time.perf_counter() - began
