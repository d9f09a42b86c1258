"""The module that asks a Kubernetes cluster, over a cluster without sockets."""

import asyncio

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.kubernetes.api import KubernetesUser, unavailable
from lightspeed_core.auth.modules.k8s import K8sAuthenticator
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    Forbidden,
    InternalError,
    LightspeedError,
    MalformedRequest,
    Unauthenticated,
)
from tests.support.scripted_cluster import ScriptedCluster

ADA = KubernetesUser(username="ada", uid="u-1", groups=("developers",))
ADMIN = KubernetesUser(username="kube:admin", uid="u-2")


def bearer(token: str) -> Credentials:
    return Credentials(path="/v1/query", headers=[("authorization", f"Bearer {token}")])


async def refusal_of(module: K8sAuthenticator, token: str = "t") -> LightspeedError:
    with pytest.raises(LightspeedError) as caught:
        await module.authenticate(bearer(token))
    return caught.value


async def test_an_admitted_user_is_known_by_uid_name_and_token() -> None:
    caller = await K8sAuthenticator(ScriptedCluster(t=ADA)).authenticate(bearer("t"))
    assert caller == Identity(user_id="u-1", username="ada", token="t")
    assert not caller.skip_user_id_check


async def test_without_a_token_the_cluster_is_not_asked() -> None:
    cluster = ScriptedCluster(t=ADA)
    with pytest.raises(Unauthenticated, match="No Authorization header found"):
        await K8sAuthenticator(cluster).authenticate(Credentials(path="/v1/query", headers=[]))
    assert not cluster.calls


@pytest.mark.attack(13)
async def test_two_tokens_are_malformed_and_the_cluster_is_not_asked() -> None:
    cluster = ScriptedCluster(t=ADA)
    (header,) = bearer("t").headers
    with pytest.raises(MalformedRequest):
        await K8sAuthenticator(cluster).authenticate(
            Credentials(path="/v1/query", headers=[header, header])
        )
    assert not cluster.calls


@pytest.mark.attack(14)
async def test_a_token_that_the_cluster_refuses_is_refused() -> None:
    cluster = ScriptedCluster(t=ADA)
    refusal = await refusal_of(K8sAuthenticator(cluster), "other")
    assert isinstance(refusal, Unauthenticated)
    assert refusal.cause == "Invalid or expired Kubernetes token"
    assert cluster.calls == {"review_token": 1}


async def test_a_user_whom_no_role_admits_is_forbidden_by_uid() -> None:
    cluster = ScriptedCluster(t=ADA)
    cluster.admitted.clear()
    refusal = await refusal_of(K8sAuthenticator(cluster))
    assert isinstance(refusal, Forbidden)
    assert refusal.message == "User does not have permission to access this endpoint"
    assert refusal.cause == "User u-1 is not authorized to access this endpoint."


@pytest.mark.attack(14)
@pytest.mark.parametrize("verb", ["review_token", "may_get"])
@pytest.mark.parametrize("failure", [unavailable("down"), InternalError("refused")])
async def test_a_cluster_that_does_not_judge_admits_nobody_and_is_asked_again(
    verb: str, failure: LightspeedError
) -> None:
    cluster = ScriptedCluster(t=ADA)
    module = K8sAuthenticator(cluster)
    cluster.failures[verb] = failure
    for _ in range(2):
        assert await refusal_of(module) is failure
    assert cluster.calls[verb] == 2

    cluster.failures.clear()
    assert (await module.authenticate(bearer("t"))).user_id == "u-1"


async def test_a_user_without_a_uid_is_known_by_name() -> None:
    cluster = ScriptedCluster(t=KubernetesUser(username="ada@example.com"))
    caller = await K8sAuthenticator(cluster).authenticate(bearer("t"))
    assert caller.user_id == "ada@example.com"


async def test_kube_admin_is_known_by_the_cluster_which_is_asked_once() -> None:
    cluster = ScriptedCluster(a=ADMIN, b=ADMIN)
    module = K8sAuthenticator(cluster)
    for token in ("a", "b"):
        caller = await module.authenticate(bearer(token))
        assert (caller.user_id, caller.username) == ("cluster-1", "kube:admin")
    assert cluster.calls["find_cluster_id"] == 1


async def test_kube_admin_is_local_outside_of_a_cluster() -> None:
    cluster = ScriptedCluster(t=ADMIN)
    cluster.cluster_id = None
    assert (await K8sAuthenticator(cluster).authenticate(bearer("t"))).user_id == "local"


async def test_kube_admin_is_not_admitted_without_a_cluster_id() -> None:
    cluster = ScriptedCluster(t=ADMIN)
    cluster.failures["find_cluster_id"] = InternalError("no ClusterVersion")
    module = K8sAuthenticator(cluster)
    assert (await refusal_of(module)).cause == "no ClusterVersion"

    cluster.failures.clear()
    assert (await module.authenticate(bearer("t"))).user_id == "cluster-1"


async def test_a_verdict_holds_a_minute_when_admitted_and_ten_seconds_when_not() -> None:
    now = 0.0
    cluster = ScriptedCluster(t=ADA)
    module = K8sAuthenticator(cluster, clock=lambda: now)
    await module.authenticate(bearer("t"))
    cluster.admitted.clear()
    now = 59.9
    await module.authenticate(bearer("t"))
    now = 60.0
    assert isinstance(await refusal_of(module), Forbidden)
    cluster.admitted.add("ada")
    now = 69.9
    assert isinstance(await refusal_of(module), Forbidden)
    now = 70.0
    await module.authenticate(bearer("t"))
    assert cluster.calls == {"review_token": 3, "may_get": 3}


@pytest.mark.attack(14)
async def test_a_hundred_requests_with_one_token_make_one_review() -> None:
    cluster = ScriptedCluster(t=ADA)
    cluster.may_answer.clear()
    module = K8sAuthenticator(cluster)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(module.authenticate(bearer("t"))) for _ in range(100)]
        async with asyncio.timeout(5):
            while not cluster.calls:
                await asyncio.sleep(0)
        cluster.may_answer.set()

    assert {task.result().user_id for task in tasks} == {"u-1"}
    assert cluster.calls == {"review_token": 1, "may_get": 1}


async def test_the_errors_of_a_silent_cluster_name_it() -> None:
    error = unavailable("The Kubernetes API does not answer.")
    assert isinstance(error, AuthenticationUnavailable)
    assert error.message == "Unable to connect to Kubernetes API"
