"""The module that believes a proxy, over a cluster without sockets."""

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.kubernetes.api import KubernetesUser, unavailable
from lightspeed_core.auth.modules.trusted_proxy import TrustedProxyAuthenticator
from lightspeed_core.config.authentication import ServiceAccount, TrustedProxyConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    Forbidden,
    LightspeedError,
    MalformedRequest,
    Unauthenticated,
)
from tests.support.scripted_cluster import ScriptedCluster

PROXY = KubernetesUser(username="system:serviceaccount:web:proxy", uid="u-9")
LISTED = TrustedProxyConfiguration(
    allowed_service_accounts=(ServiceAccount(namespace="web", name="proxy"),)
)


def sent(*names: str, header: str = "x-forwarded-user") -> Credentials:
    headers = [("authorization", "Bearer t"), *((header, name) for name in names)]
    return Credentials(path="/v1/query", headers=headers)


def module_of(
    user: KubernetesUser = PROXY, settings: TrustedProxyConfiguration = LISTED
) -> TrustedProxyAuthenticator:
    return TrustedProxyAuthenticator(ScriptedCluster(t=user), settings)


async def refusal_of(
    credentials: Credentials, module: TrustedProxyAuthenticator | None = None
) -> LightspeedError:
    with pytest.raises(LightspeedError) as caught:
        await (module or module_of()).authenticate(credentials)
    return caught.value


async def test_the_user_is_whom_the_proxy_names_and_the_token_is_not_kept() -> None:
    assert await module_of().authenticate(sent("ada")) == Identity(
        user_id="ada", username="ada", skip_user_id_check=True, token=""
    )


async def test_the_configured_header_names_the_user() -> None:
    module = module_of(settings=TrustedProxyConfiguration(user_header="X-Remote-User"))
    assert (await module.authenticate(sent("ada", header="x-remote-user"))).user_id == "ada"

    refusal = await refusal_of(sent("ada"), module)
    assert refusal.cause == "Missing required header 'X-Remote-User'"


@pytest.mark.parametrize("names", [(), ("",), ("  ",)])
async def test_a_proxy_that_names_nobody_is_refused(names: tuple[str, ...]) -> None:
    refusal = await refusal_of(sent(*names))
    assert isinstance(refusal, Unauthenticated)
    assert refusal.cause == "Missing required header 'X-Forwarded-User'"


@pytest.mark.attack(13)
async def test_two_names_or_two_tokens_are_malformed() -> None:
    assert isinstance(await refusal_of(sent("ada", "eve")), MalformedRequest)
    (token, name) = sent("ada").headers
    twice = Credentials(path="/v1/query", headers=[token, token, name])
    assert isinstance(await refusal_of(twice), MalformedRequest)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a\x00b", "printable"),
        ("a\tb", "printable"),
        ("a\x7fb", "printable"),
        ("a\u200bb".encode().decode("latin-1"), "printable"),
        ("\xff\xfe", "UTF-8"),
        ("a" * 257, "256"),
    ],
)
async def test_a_header_that_holds_no_name_is_malformed(name: str, rule: str) -> None:
    refusal = await refusal_of(sent(name))
    assert isinstance(refusal, MalformedRequest)
    assert rule in refusal.cause


@pytest.mark.parametrize("name", ["a" * 256, "Ada Lovelace", "user:default/ada", "Zoë", "李"])
async def test_a_name_is_taken_as_it_stands(name: str) -> None:
    received = name.encode().decode("latin-1")
    assert (await module_of().authenticate(sent(received))).user_id == name


@pytest.mark.parametrize(
    "account",
    [
        "system:serviceaccount:web:other",
        "system:serviceaccount:other:proxy",
        "system:serviceaccount:web:proxy:more",
        "ada",
    ],
)
async def test_an_account_that_is_not_listed_is_forbidden_before_its_header_is_read(
    account: str,
) -> None:
    refusal = await refusal_of(sent(), module_of(KubernetesUser(username=account)))
    assert isinstance(refusal, Forbidden)
    assert refusal.cause == f"User {account} is not authorized to access this endpoint."


async def test_without_a_list_any_service_account_is_trusted_and_no_other_user() -> None:
    anyone = TrustedProxyConfiguration()
    other = KubernetesUser(username="system:serviceaccount:other:proxy")
    assert (await module_of(other, anyone).authenticate(sent("ada"))).user_id == "ada"

    person = KubernetesUser(username="eve")
    assert isinstance(await refusal_of(sent("ada"), module_of(person, anyone)), Forbidden)


async def test_an_empty_list_trusts_nobody() -> None:
    nobody = TrustedProxyConfiguration(allowed_service_accounts=())
    assert isinstance(await refusal_of(sent("ada"), module_of(settings=nobody)), Forbidden)


async def test_a_token_is_needed_and_must_be_accepted() -> None:
    bare = Credentials(path="/v1/query", headers=[("x-forwarded-user", "ada")])
    assert isinstance(await refusal_of(bare), Unauthenticated)
    stranger = TrustedProxyAuthenticator(ScriptedCluster(), LISTED)
    refusal = await refusal_of(sent("ada"), stranger)
    assert isinstance(refusal, Unauthenticated)
    assert refusal.cause == "Invalid or expired Kubernetes token"


@pytest.mark.attack(14)
async def test_a_cluster_that_does_not_judge_lets_no_proxy_in() -> None:
    cluster = ScriptedCluster(t=PROXY)
    cluster.failures["review_token"] = unavailable("down")
    module = TrustedProxyAuthenticator(cluster, LISTED)
    assert isinstance(await refusal_of(sent("ada"), module), AuthenticationUnavailable)


async def test_one_review_serves_all_users_of_a_proxy() -> None:
    cluster = ScriptedCluster(t=PROXY)
    module = TrustedProxyAuthenticator(cluster, LISTED)
    for name in ("ada", "bob"):
        assert (await module.authenticate(sent(name))).user_id == name
    assert cluster.calls == {"review_token": 1}
