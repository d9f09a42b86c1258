"""The Kubernetes API over real connections: how it is found, asked, and what failures become."""

import asyncio
import logging
import time
from collections.abc import Generator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import override

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.kubernetes.api import KubernetesUser
from lightspeed_core.auth.kubernetes.client import (
    ANSWER_SECONDS,
    LARGEST_ANSWER_BYTES,
    KubernetesClient,
)
from lightspeed_core.auth.kubernetes.connection import Surroundings
from lightspeed_core.auth.modules.k8s import K8sAuthenticator
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    ConfigurationError,
    InternalError,
    LightspeedError,
)
from tests.support.kubernetes_api import (
    ACCESS,
    ADA,
    TOKENS,
    VERSION,
    Cluster,
    Fault,
    certificates,
    kubernetes_server,
)
from tests.support.kubernetes_places import (
    empty_surroundings,
    in_pod,
    kubeconfig,
    opened,
    pod,
    write,
)


class _Tomorrow(datetime):
    """A clock that says that the token's minute is over."""

    @classmethod
    @override
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) + timedelta(days=1)


USER = KubernetesUser(
    username="ada", uid=ADA["uid"], groups=tuple(ADA["groups"]), extra={"scopes": ("user:full",)}
)


@pytest.fixture
def cluster() -> Generator[Cluster]:
    with kubernetes_server() as started:
        yield started


@pytest.fixture
def nowhere(tmp_path: Path) -> Surroundings:
    return empty_surroundings(tmp_path)


async def failure(client: KubernetesClient, verb: str = "review_token") -> LightspeedError:
    with pytest.raises(LightspeedError) as caught:
        match verb:
            case "review_token":
                await client.review_token("ada-token")
            case "may_get":
                await client.may_get(USER, "/ls-access")
            case _:
                await client.find_cluster_id()
    return caught.value


async def test_a_token_and_its_access_are_reviewed(cluster: Cluster, nowhere: Surroundings) -> None:
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        assert await client.review_token("ada-token") == USER
        assert await client.review_token("other") is None
        assert await client.may_get(USER, "/ls-access")
        cluster.admitted.clear()
        assert not await client.may_get(USER, "/ls-access")

    assert cluster.asked[0]["spec"] == {"token": "ada-token"}
    assert cluster.asked[2]["spec"] == {
        "user": "ada",
        "uid": ADA["uid"],
        "groups": ADA["groups"],
        "extra": ADA["extra"],
        "nonResourceAttributes": {"path": "/ls-access", "verb": "get"},
    }


@pytest.mark.requirement("auth.k8s-way")
async def test_an_address_alone_is_enough_and_sends_no_credentials(
    cluster: Cluster, nowhere: Surroundings
) -> None:
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        await client.review_token("ada-token")
    assert cluster.authorizations == [None]


async def test_a_configured_certificate_authority_is_trusted_and_no_other(
    tmp_path: Path, nowhere: Surroundings
) -> None:
    context, authority = certificates(tmp_path)
    with kubernetes_server(context) as cluster:
        address = cluster.url
        async with opened(
            nowhere, k8s_cluster_api=address, k8s_ca_cert_path=str(authority)
        ) as client:
            assert await client.review_token("ada-token") == USER
        async with opened(nowhere, k8s_cluster_api=address, skip_tls_verification=True) as client:
            assert await client.review_token("ada-token") == USER

        async with opened(nowhere, k8s_cluster_api=address) as client:
            assert isinstance(await failure(client), AuthenticationUnavailable)
        folder = tmp_path / "other"
        folder.mkdir()
        _, other = certificates(folder)
        async with opened(nowhere, k8s_cluster_api=address, k8s_ca_cert_path=str(other)) as client:
            assert isinstance(await failure(client), AuthenticationUnavailable)
        assert cluster.calls[TOKENS] == 2


@pytest.mark.requirement("auth.k8s-way")
async def test_a_pod_uses_its_own_files_and_reads_a_renewed_token(
    tmp_path: Path, nowhere: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _ = certificates(tmp_path)
    with kubernetes_server(context) as cluster:
        place = pod(nowhere, cluster, "first")
        async with opened(place) as client:
            assert await client.review_token("ada-token") == USER
            write(place.token, "second")
            monkeypatch.setattr(
                "kubernetes_asyncio.config.incluster_config.datetime.datetime", _Tomorrow
            )
            assert await client.review_token("ada-token") == USER
            assert await client.find_cluster_id() == cluster.cluster_id
    assert cluster.authorizations == ["Bearer first", "Bearer second", "Bearer second"]


async def test_a_pod_whose_token_is_gone_is_told_apart_from_a_bad_caller(
    tmp_path: Path, nowhere: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _ = certificates(tmp_path)
    with kubernetes_server(context) as cluster:
        place = pod(nowhere, cluster, "first")
        async with opened(place) as client:
            write(place.token, "")
            monkeypatch.setattr(
                "kubernetes_asyncio.config.incluster_config.datetime.datetime", _Tomorrow
            )
            assert isinstance(await failure(client), AuthenticationUnavailable)
    assert not cluster.calls


@pytest.mark.requirement("auth.k8s-way")
async def test_settings_win_over_what_a_pod_was_given(
    tmp_path: Path, nowhere: Surroundings, cluster: Cluster
) -> None:
    context, authority = certificates(tmp_path)
    with kubernetes_server(context) as elsewhere:
        place = pod(nowhere, elsewhere, "pods-own")
        async with opened(
            place, k8s_cluster_api=cluster.url, k8s_ca_cert_path=str(authority)
        ) as client:
            await client.review_token("ada-token")
        assert not elsewhere.calls
    assert cluster.authorizations == ["Bearer pods-own"]


@pytest.mark.requirement("auth.k8s-way")
@pytest.mark.parametrize("kept_in", ["token", "tokenFile"])
async def test_a_kubeconfig_names_the_api_and_who_we_are(
    tmp_path: Path, nowhere: Surroundings, kept_in: str
) -> None:
    context, authority = certificates(tmp_path)
    file = tmp_path / "service-token"
    file.write_text("of-the-file")
    user = {kept_in: str(file) if kept_in == "tokenFile" else "of-the-file"}
    with kubernetes_server(context) as cluster:
        kubeconfig(
            Path(nowhere.kubeconfig),
            cluster.url,
            user,
            **{"certificate-authority": str(authority)},
        )
        async with opened(nowhere) as client:
            assert await client.review_token("ada-token") == USER
            assert await client.find_cluster_id() is None
    assert cluster.authorizations == ["Bearer of-the-file"]


async def test_a_kubeconfig_is_read_again_when_its_token_may_have_ended(
    cluster: Cluster, nowhere: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    file = Path(nowhere.kubeconfig)
    kubeconfig(file, cluster.url, {"token": "first"})
    async with opened(nowhere) as client:
        await client.review_token("ada-token")
        kubeconfig(file, cluster.url, {"token": "second"})
        monkeypatch.setattr(time, "monotonic", lambda: now + 120)
        await client.review_token("ada-token")
        write(nowhere.kubeconfig, "{")
        monkeypatch.setattr(time, "monotonic", lambda: now + 240)
        refusal = await failure(client)
    assert isinstance(refusal, AuthenticationUnavailable)
    assert cluster.authorizations == ["Bearer first", "Bearer second"]


async def test_without_any_way_to_a_cluster_the_start_says_what_to_set(
    nowhere: Surroundings,
) -> None:
    with pytest.raises(ConfigurationError, match=r"set authentication\.k8s_cluster_api"):
        async with opened(nowhere):
            raise AssertionError("opened")


@pytest.mark.parametrize(
    "content", ["{", "[]", "clusters: 5", "current-context: c\nusers: [{user: {token: hush}}]"]
)
async def test_a_kubeconfig_that_is_none_is_named_and_not_quoted(
    nowhere: Surroundings, content: str
) -> None:
    write(nowhere.kubeconfig, content)
    with pytest.raises(ConfigurationError) as caught:
        async with opened(nowhere):
            raise AssertionError("opened")
    assert nowhere.kubeconfig in caught.value.cause
    assert "hush" not in caught.value.cause
    assert caught.value.__suppress_context__


async def test_certificates_that_cannot_be_read_are_named(
    tmp_path: Path, nowhere: Surroundings
) -> None:
    file = tmp_path / "no.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match=f"k8s_ca_cert_path: {file}"):
        async with opened(
            nowhere, k8s_cluster_api="https://127.0.0.1:1", k8s_ca_cert_path=str(file)
        ):
            raise AssertionError("opened")


async def test_a_pod_without_its_certificates_is_told_what_to_set(
    cluster: Cluster, nowhere: Surroundings
) -> None:
    with pytest.raises(ConfigurationError, match="k8s_ca_cert_path"):
        async with opened(pod(nowhere, cluster, "token")):
            raise AssertionError("opened")


@pytest.mark.attack(14)
@pytest.mark.parametrize("verb", ["review_token", "may_get", "find_cluster_id"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_api_in_trouble_is_503(
    cluster: Cluster, nowhere: Surroundings, verb: str, status: int
) -> None:
    cluster.faults = {path: Fault(status=status) for path in (TOKENS, ACCESS, VERSION)}
    async with in_pod(cluster, nowhere) as client:
        refusal = await failure(client, verb)
    assert isinstance(refusal, AuthenticationUnavailable)
    assert refusal.message == "Unable to connect to Kubernetes API"


@pytest.mark.attack(14)
@pytest.mark.parametrize("verb", ["review_token", "may_get"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"status": 1}', b"x" * (LARGEST_ANSWER_BYTES + 1)]
)
async def test_an_answer_that_cannot_be_read_is_503(
    cluster: Cluster, nowhere: Surroundings, verb: str, body: bytes
) -> None:
    cluster.faults = {path: Fault(body=body) for path in (TOKENS, ACCESS)}
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        assert isinstance(await failure(client, verb), AuthenticationUnavailable)


@pytest.mark.attack(14)
async def test_an_api_that_is_down_is_503(nowhere: Surroundings) -> None:
    with kubernetes_server() as cluster:
        address = cluster.url
    async with opened(nowhere, k8s_cluster_api=address) as client:
        for verb in ("review_token", "may_get"):
            assert isinstance(await failure(client, verb), AuthenticationUnavailable)


@pytest.mark.attack(14)
async def test_an_api_that_is_silent_is_503_within_its_time(
    cluster: Cluster, nowhere: Surroundings
) -> None:
    cluster.faults[TOKENS] = Fault(is_silent=True)
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            refusal = await failure(client)
        assert isinstance(refusal, AuthenticationUnavailable)


@pytest.mark.attack(14)
@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_takes_no_token_elsewhere(
    cluster: Cluster, nowhere: Surroundings, status: int
) -> None:
    with kubernetes_server() as elsewhere:
        cluster.faults[TOKENS] = Fault(status=status, location=elsewhere.url + TOKENS)
        async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
            assert isinstance(await failure(client), AuthenticationUnavailable)
        assert not elsewhere.calls


@pytest.mark.attack(14)
@pytest.mark.parametrize(
    ("verb", "kind", "permission"),
    [
        ("review_token", InternalError, "create tokenreviews.authentication.k8s.io"),
        (
            "may_get",
            AuthenticationUnavailable,
            "create subjectaccessreviews.authorization.k8s.io",
        ),
        ("find_cluster_id", InternalError, "get clusterversions.config.openshift.io"),
    ],
)
async def test_an_api_that_does_not_let_us_ask_admits_nobody_and_the_log_says_what_is_missing(
    cluster: Cluster,
    nowhere: Surroundings,
    caplog: pytest.LogCaptureFixture,
    verb: str,
    kind: type[LightspeedError],
    permission: str,
) -> None:
    cluster.faults = {path: Fault(status=403) for path in (TOKENS, ACCESS, VERSION)}
    async with in_pod(cluster, nowhere) as client:
        assert type(await failure(client, verb)) is kind
    assert permission in caplog.text


async def test_credentials_of_ours_that_are_refused_are_logged(
    cluster: Cluster, nowhere: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.faults[TOKENS] = Fault(status=401)
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        assert isinstance(await failure(client), InternalError)
    assert "refused the credentials of this service" in caplog.text


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault(status=404), "ClusterVersion 'version' resource not found in OpenShift cluster"),
        (Fault(status=403), "Insufficient permissions to read ClusterVersion resource"),
        (Fault(body=b'{"spec": {}}'), "Missing or invalid 'clusterID' in ClusterVersion"),
        (Fault(body=b"no json"), "Missing or invalid 'clusterID' in ClusterVersion"),
    ],
)
async def test_a_cluster_that_does_not_tell_its_id_is_an_error_that_says_why(
    cluster: Cluster, nowhere: Surroundings, fault: Fault, cause: str
) -> None:
    cluster.faults[VERSION] = fault
    async with in_pod(cluster, nowhere) as client:
        refusal = await failure(client, "find_cluster_id")
    assert isinstance(refusal, InternalError)
    assert refusal.cause == cause


@pytest.mark.attack(14)
async def test_a_hundred_requests_at_once_make_one_review_of_each_kind(
    cluster: Cluster, nowhere: Surroundings
) -> None:
    credentials = Credentials(path="/", headers=[("authorization", "Bearer ada-token")])
    async with opened(nowhere, k8s_cluster_api=cluster.url) as client:
        module = K8sAuthenticator(client)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(module.authenticate(credentials)) for _ in range(100)]
    assert {task.result().user_id for task in tasks} == {ADA["uid"]}
    assert cluster.calls == {TOKENS: 1, ACCESS: 1}


async def test_no_token_is_logged_at_any_level(
    cluster: Cluster, nowhere: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kubeconfig(Path(nowhere.kubeconfig), cluster.url, {"token": "services-own"})
    async with opened(nowhere) as client:
        await client.review_token("ada-token")
        cluster.faults[TOKENS] = Fault(status=500)
        await failure(client)
    assert "ada-token" not in caplog.text
    assert "services-own" not in caplog.text
