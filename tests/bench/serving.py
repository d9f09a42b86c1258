"""Measures every way to an answer, round by round, so that a busy moment hits all of them alike."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.processes import Meter, passthrough, wait_for
from tests.bench.requests_plan import (
    BARE,
    CALLERS,
    QUESTION,
    RETRIEVING,
    TOKENS,
    Upstream,
    Way,
    client_way,
    server_way,
)
from tests.bench.samples import Batch
from tests.support.service import Service, running_service
from tests.support.stub_llm import stub_llm

WARM_UP = 60
LAST_WORDS = 4000

type Key = tuple[str, str, int]
type Results = Mapping[Key, list[Batch]]


def measure_serving(upstream: Upstream, data: Path, rounds: int) -> Results:
    """Return the batches of every way (shape, name, callers), one a round."""
    results: defaultdict[Key, list[Batch]] = defaultdict(list)
    with (
        stub_llm("--tokens", str(TOKENS), *upstream.options) as stub,
        passthrough(stub.base_url) as (port, meter),
        running_service(data, environment=service_settings(stub.base_url)) as service,
        told_when_ended(service),
    ):
        wait_for(service.port, "/readiness")
        serving = Meter(service.process.pid)
        serving.settle()
        ways = [
            *_yardsticks(stub.base_url, port, meter),
            *_of_service(service.url, serving, has_retrieval=upstream.has_retrieval),
        ]
        for way in ways:
            way.measure(32, WARM_UP)
        for number in range(rounds):
            for callers in CALLERS:
                _measure_round(ways, callers, upstream.requests[callers], results)
            print(f"{upstream.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return results


@contextmanager
def told_when_ended(service: Service) -> Generator[None]:
    """Print how the service ended and what it said last, should a measurement fail."""
    try:
        yield
    except subprocess.CalledProcessError:
        print(f"exit status of the service: {service.process.poll()}", file=sys.stderr)
        print(service.output()[-LAST_WORDS:], file=sys.stderr)
        raise


def service_settings(base_url: str) -> dict[str, str]:
    """Return the environment that switches the fake model on."""
    return {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": base_url}


def _measure_round(
    ways: list[Way], callers: int, requests: int, results: defaultdict[Key, list[Batch]]
) -> None:
    for way in ways:
        results[way.shape, way.name, callers].append(way.measure(callers, requests))


def _yardsticks(base_url: str, port: int, meter: Meter) -> list[Way]:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    ways: list[Way] = []
    for shape in ("whole", "stream"):
        ways += [client_way(client, base_url, shape) for client in ("httpx", "openai")]
        messages = [{"role": "user", "content": QUESTION}]
        body = {"model": "fake-llm", "messages": messages, "stream": shape == "stream"}
        ways.append(server_way("pass-through", shape, url=url, body=body, meter=meter))
    return ways


def _of_service(url: str, meter: Meter, *, has_retrieval: bool) -> list[Way]:
    ways: list[Way] = []
    for shape, path in (("whole", "/v1/query"), ("stream", "/v1/streaming_query")):
        ways.append(server_way(path, shape, url=url + path, body=BARE, meter=meter))
        if has_retrieval:
            name = f"{path} with retrieval"
            ways.append(server_way(name, shape, url=url + path, body=RETRIEVING, meter=meter))
    return ways
