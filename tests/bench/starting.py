"""Measures the start of the service beside a bare boot of the same run.yaml."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import ROOT, Meter, wait_for
from tests.bench.serving import service_settings
from tests.support.service import free_port, running_service, service_environment
from tests.support.stub_llm import stub_llm

RUN_YAML = ROOT / "run.yaml"


@dataclass(frozen=True)
class Start:
    """Seconds after the process was started, and megabytes once it had nothing left to do."""

    liveness: float
    readiness: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Starts:
    """One pair a round."""

    bare: list[Start]
    service: list[Start]


def measure_starts(folder: Path, rounds: int) -> Starts:
    """Start both in turn; the service's first start, which indexes, is not counted."""
    starts = Starts([], [])
    with stub_llm() as stub:
        environment = service_settings(stub.base_url)
        _start_service(folder / "service", environment)
        _start_bare(folder / "bare", environment)
        for number in range(rounds):
            starts.bare.append(_start_bare(folder / "bare", environment))
            starts.service.append(_start_service(folder / "service", environment))
            print(f"start: round {number + 1} of {rounds}", file=sys.stderr)
    return starts


def _start_service(data: Path, environment: dict[str, str]) -> Start:
    port = free_port()
    started = time.perf_counter()
    with running_service(data, environment=environment, port=port) as service:
        wait_for(port, "/liveness")
        liveness = time.perf_counter() - started
        wait_for(port, "/readiness")
        readiness = time.perf_counter() - started
        meter = Meter(service.process.pid)
        cpu = meter.cpu()
        meter.settle()
        start = Start(liveness, readiness, cpu, meter.memory())
        service.terminate()
        return start


def _start_bare(data: Path, environment: dict[str, str]) -> Start:
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.bench.bare_boot", str(RUN_YAML)]
    settings = service_environment(data, 0, environment) | {"PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=data,
        env=settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        _read_ready(process)
        ready = time.perf_counter() - started
        meter = Meter(process.pid)
        cpu = meter.cpu()
        meter.settle()
        start = Start(ready, ready, cpu, meter.memory())
        process.communicate()
    return start


def _read_ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == b"ready":
            return
    raise RuntimeError("the bare boot failed")


def bytecode_is_written() -> bool:
    """Say whether starts compile once and not every time."""
    return "PYTHONDONTWRITEBYTECODE" not in os.environ
