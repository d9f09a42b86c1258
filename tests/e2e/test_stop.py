"""A service that is told to end in the middle of something."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.service import STOP_SECONDS, Service, running_service
from tests.support.streams import read_frames

SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
RELYING = """\
name: relying
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
knowledge: {product_docs: false}
inference: {default_provider: openai, default_model: gone}
"""


def asked_during_the_boot(service: Service, then: Callable[[], object]) -> httpx2.Response:
    """Ask while the engine boots, do something, and return the answer."""
    service.wait_until_listening()
    with ThreadPoolExecutor(1) as pool, service.client() as client:
        body = {"query": "Who waits?"} | SILENT
        asked = pool.submit(client.post, "/v1/query", json=body)
        wait_until_asked(service)
        then()
        return asked.result()


def wait_until_asked(service: Service) -> None:
    """Wait until the question's connection was accepted, which only its process can tell."""
    until = time.monotonic() + STOP_SECONDS
    with service.client() as client:
        for _ in range(3):
            assert client.get("/liveness").status_code == 200
            assert time.monotonic() < until


@pytest.mark.requirement("stop.drain")
def test_a_question_that_waits_for_the_boot_is_refused_when_the_service_ends(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    with running_service(tmp_path / "data", environment=model_environment) as service:
        answer = asked_during_the_boot(service, lambda: service.process.send_signal(signal.SIGTERM))
        status = service.process.wait(STOP_SECONDS)

    assert answer.status_code == 503
    assert answer.json()["detail"]["response"] == "Unable to connect to Llama Stack"
    assert status == -signal.SIGTERM


@pytest.mark.requirement("error.status")
def test_a_question_that_waits_for_a_boot_that_fails_is_refused(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "relying.yaml"
    config.write_text(RELYING)
    with running_service(
        tmp_path / "data", environment=model_environment, config=config
    ) as service:
        answer = asked_during_the_boot(service, lambda: None)
        status = service.process.wait(STOP_SECONDS)

    assert answer.status_code == 503
    assert "openai/gone" in answer.json()["detail"]["cause"]
    assert status == 2


@pytest.mark.requirement("stop.drain")
def test_who_asks_a_second_time_does_not_wait_for_running_turns(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    with running_service(tmp_path / "data", environment=model_environment) as service:
        service.wait_until_ready()
        body = {"query": "x [[tokens=900]] [[delay=50]]"} | SILENT
        with (
            service.client() as client,
            client.stream("POST", "/v1/streaming_query", json=body) as stream,
            pytest.raises(httpx2.TransportError),
        ):
            for number, _ in enumerate(read_frames(stream.iter_text())):
                if number in (4, 10):
                    service.process.send_signal(signal.SIGINT)
        # The turn would need 45 seconds, of which a single signal grants it ten.
        status = service.process.wait(8)

    assert status == 0
