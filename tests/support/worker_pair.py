"""Two workers of one service, each spoken to by itself."""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psutil

from tests.support.service import START_SECONDS, Service, running_service

CONFIG = """\
name: pair
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}", workers: 2}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
knowledge: {product_docs: false}
outbound: {allowed_private: ["127.0.0.1"]}
"""
TRIES = 200


@contextmanager
def pair_of_workers(directory: Path, environment: dict[str, str]) -> Generator[Service]:
    """Start a service of two workers; none of them is left behind."""
    config = directory / "pair.yaml"
    config.write_text(CONFIG)
    with running_service(directory / "data", environment=environment, config=config) as service:
        try:
            service.wait_until_listening()
            yield service
        finally:
            # Whoever kills the parent alone leaves the workers behind.
            for worker in workers_of(service):
                worker.kill()


@contextmanager
def connected(service: Service) -> Generator[tuple[httpx2.Client, httpx2.Client]]:
    """Give a client of each worker, both of them ready."""
    with ExitStack() as stack:
        found: dict[int, httpx2.Client] = {}
        for _ in range(TRIES):
            client = stack.enter_context(service.client())
            found.setdefault(worker_behind(service, client), client)
            if len(found) == 2:
                break
        one, other = found.values()
        _wait_until_ready(one)
        _wait_until_ready(other)
        yield one, other


def workers_of(service: Service) -> list[psutil.Process]:
    """Return the worker processes that live."""
    if service.process.poll() is not None:
        return []
    children = psutil.Process(service.process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def worker_behind(service: Service, client: httpx2.Client) -> int:
    """Return the process id of the worker that accepted the client's connection."""
    stream = client.get("/liveness").extensions["network_stream"]
    address = stream.get_extra_info("client_addr")
    (worker,) = [
        worker.pid
        for worker in workers_of(service)
        if any(line.raddr == tuple(address) for line in worker.net_connections("tcp"))
    ]
    return worker


def _wait_until_ready(client: httpx2.Client) -> None:
    until = time.monotonic() + START_SECONDS
    while client.get("/readiness").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)
