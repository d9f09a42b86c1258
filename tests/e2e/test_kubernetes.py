"""The service behind a Kubernetes cluster, as a process."""

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support.command import written
from tests.support.kubernetes_api import ACCESS, ADA, TOKENS, Cluster, Fault, kubernetes_server
from tests.support.service import Service, running_service

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
name: in a cluster
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack:
  use_as_library_client: true
  library_client_config_path: shipped:run.yaml
user_data_collection: {}
authentication:
  module: k8s
  k8s_cluster_api: "${env.CLUSTER}"
"""
START_SECONDS = 90


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with kubernetes_server() as started:
        started.users["eve-token"] = {"username": "eve", "uid": "eves-uid"}
        yield started


@pytest.fixture(scope="module")
def guarded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    config = written(folder, CONFIGURATION)
    environment = {"CLUSTER": cluster.url}
    with running_service(folder / "data", environment=environment, config=config) as service:
        until = time.monotonic() + START_SECONDS
        while not is_admitted(service):
            assert time.monotonic() < until, service.output()
            time.sleep(0.05)
        cluster.calls.clear()
        yield service


def is_admitted(service: Service) -> bool:
    assert service.process.poll() is None, service.output()
    try:
        return ask(service, "ada-token").status_code == 200
    except httpx2.TransportError:
        return False


def ask(service: Service, token: str | None) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with service.client() as client:
        return client.post("/authorized", headers=headers)


@pytest.mark.requirement("auth.k8s")
def test_a_user_of_the_cluster_is_admitted_and_known_by_uid(guarded: Service) -> None:
    answer = ask(guarded, "ada-token")
    assert answer.status_code == 200
    assert answer.json() == {"user_id": ADA["uid"], "username": "ada", "skip_userid_check": False}


@pytest.mark.requirement("auth.k8s")
@pytest.mark.parametrize(
    ("token", "status", "cause"),
    [
        (None, 401, "No Authorization header found"),
        ("stolen", 401, "Invalid or expired Kubernetes token"),
        ("eve-token", 403, "User eves-uid is not authorized to access this endpoint."),
    ],
)
def test_others_are_refused_with_the_reason(
    guarded: Service, token: str | None, status: int, cause: str
) -> None:
    answer = ask(guarded, token)
    assert answer.status_code == status
    assert answer.json()["detail"]["cause"] == cause


@pytest.mark.attack(14)
@pytest.mark.requirement("auth.k8s-cache")
@pytest.mark.parametrize(
    ("path", "fault", "status", "response"),
    [
        (TOKENS, Fault(status=500), 503, "Unable to connect to Kubernetes API"),
        (TOKENS, Fault(body=b"<html>"), 503, "Unable to connect to Kubernetes API"),
        (TOKENS, Fault(status=403), 500, "Internal server error"),
        (ACCESS, Fault(status=403), 503, "Unable to connect to Kubernetes API"),
    ],
)
def test_while_the_cluster_does_not_judge_known_tokens_work_and_new_ones_do_not(
    guarded: Service, cluster: Cluster, path: str, fault: Fault, status: int, response: str
) -> None:
    token = f"new-{path}-{fault.status}-{len(fault.body)}".replace("/", ".")
    known = f"known-{token}"
    cluster.users |= {known: ADA, token: ADA}
    assert ask(guarded, known).status_code == 200
    cluster.faults = {path: fault}
    try:
        assert ask(guarded, known).status_code == 200
        for _ in range(2):
            answer = ask(guarded, token)
            assert answer.status_code == status
            assert answer.json()["detail"]["response"] == response
    finally:
        cluster.faults = {}
    assert ask(guarded, token).status_code == 200
    assert token not in guarded.output()
