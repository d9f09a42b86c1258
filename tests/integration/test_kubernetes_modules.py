"""The modules that ask a cluster, as the configuration opens them, and the doctor's view of it."""

import re
import sys
from collections.abc import Generator
from typing import Any

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.registry import open_authenticator
from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.kubernetes import check_kubernetes
from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.errors import ConfigurationError, Forbidden
from lightspeed_core.http.settings import OutboundSettings
from tests.support.kubernetes_api import ACCESS, ADA, TOKENS, Cluster, Fault, kubernetes_server

PROXY = {"username": "system:serviceaccount:web:proxy", "uid": "u-9"}
TRUSTED: dict[str, Any] = {
    "module": "trusted-proxy",
    "trusted_proxy_config": {"allowed_service_accounts": [{"namespace": "web", "name": "proxy"}]},
}


@pytest.fixture
def cluster() -> Generator[Cluster]:
    with kubernetes_server() as started:
        started.users["proxy-token"] = PROXY
        yield started


def settings(cluster: Cluster, **section: Any) -> AuthenticationConfiguration:
    return AuthenticationConfiguration.model_validate(
        {"module": "k8s", "k8s_cluster_api": cluster.url} | section
    )


def sent(token: str, **headers: str) -> Credentials:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Credentials(path="/", headers=[("authorization", f"Bearer {token}"), *named])


@pytest.mark.requirement("auth.k8s")
async def test_k8s_knows_a_user_of_the_cluster(cluster: Cluster) -> None:
    async with open_authenticator(settings(cluster), OutboundSettings()) as module:
        caller = await module.authenticate(sent("ada-token"))
    assert (caller.user_id, caller.username, caller.token) == (ADA["uid"], "ada", "ada-token")


@pytest.mark.requirement("auth.trusted-proxy")
async def test_a_trusted_proxy_names_the_user_and_another_account_does_not(
    cluster: Cluster,
) -> None:
    async with open_authenticator(settings(cluster, **TRUSTED), OutboundSettings()) as module:
        caller = await module.authenticate(sent("proxy-token", x_forwarded_user="bob"))
        with pytest.raises(Forbidden):
            await module.authenticate(sent("ada-token", x_forwarded_user="bob"))
    assert (caller.user_id, caller.username, caller.token) == ("bob", "bob", "")
    assert not cluster.calls[ACCESS]


async def test_without_the_package_the_start_says_what_to_install(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "lightspeed_core.auth.kubernetes.client", raising=False)
    monkeypatch.delitem(sys.modules, "lightspeed_core.auth.kubernetes.connection", raising=False)
    for name in [name for name in sys.modules if name.startswith("kubernetes_asyncio")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kubernetes_asyncio", None)
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'lightspeed-stack[k8s]'")):
        async with open_authenticator(settings(cluster), OutboundSettings()):
            raise AssertionError("opened")


async def test_the_doctor_asks_nothing_where_no_cluster_is_needed() -> None:
    assert await check_kubernetes(AuthenticationConfiguration()) == []


@pytest.mark.parametrize(("section", "reviews"), [({}, 2), (TRUSTED, 1)])
async def test_the_doctor_sees_that_reviews_are_made(
    cluster: Cluster, section: dict[str, Any], reviews: int
) -> None:
    found = await check_kubernetes(settings(cluster, **section))
    assert [finding.severity for finding in found] == [Severity.OK] * reviews
    assert cluster.calls.total() == reviews


@pytest.mark.parametrize("path", [TOKENS, ACCESS])
@pytest.mark.parametrize("status", [403, 500])
async def test_the_doctor_says_what_to_grant_where_reviews_are_refused(
    cluster: Cluster, path: str, status: int
) -> None:
    cluster.faults[path] = Fault(status=status)
    (finding,) = await check_kubernetes(settings(cluster))
    assert finding.severity is Severity.FATAL
    assert "system:auth-delegator" in finding.remedy


async def test_the_doctor_names_an_api_that_is_away() -> None:
    with kubernetes_server() as cluster:
        away = settings(cluster)
    (finding,) = await check_kubernetes(away)
    assert finding.severity is Severity.FATAL
    assert "Unable to connect to Kubernetes API" in finding.what


async def test_the_doctor_distrusts_a_cluster_that_says_yes_to_everything(
    cluster: Cluster,
) -> None:
    yes = b'{"status": {"authenticated": true, "allowed": true, "user": {"username": "x"}}}'
    cluster.faults = {TOKENS: Fault(body=yes), ACCESS: Fault(body=yes)}
    found = await check_kubernetes(settings(cluster))
    assert [finding.severity for finding in found] == [Severity.FATAL, Severity.WARNING]
