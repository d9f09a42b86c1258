"""The module that believes the header of a gateway."""

import base64
import json
from typing import Any

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.modules.rh_identity import RhIdentityAuthenticator
from lightspeed_core.config.authentication import RHIdentityConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, MalformedRequest, Unauthenticated
from lightspeed_core.quota.subjects import organisation_of, system_of

USER: dict[str, Any] = {"type": "User", "user": {"user_id": "u-1", "username": "ada"}}
SYSTEM: dict[str, Any] = {
    "type": "System",
    "org_id": "321",
    "account_number": "123",
    "system": {"cn": "host-1"},
}
ACCOUNT: dict[str, Any] = {
    "type": "ServiceAccount",
    "service_account": {"client_id": "c-1", "username": "service-account-c-1"},
}


def encoded(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.b64encode(text).decode()


async def identity_of(*headers: str, **settings: Any) -> Identity:
    configuration = RHIdentityConfiguration.model_validate(settings)
    credentials = Credentials(
        path="/v1/query", headers=[("x-rh-identity", value) for value in headers]
    )
    return await RhIdentityAuthenticator(configuration).authenticate(credentials)


async def caller_of(identity: Any, **more: Any) -> Identity:
    return await identity_of(encoded({"identity": identity, **more}))


@pytest.mark.parametrize(
    ("identity", "user_id", "username"),
    [
        (USER, "u-1", "ada"),
        (SYSTEM, "host-1", "123"),
        ({**SYSTEM, "account_number": None}, "host-1", "host-1"),
        (ACCOUNT, "c-1", "service-account-c-1"),
    ],
)
async def test_callers_of_each_type_are_known(
    identity: dict[str, Any], user_id: str, username: str
) -> None:
    caller = await caller_of(identity)
    claims = {"identity": identity}
    assert caller == Identity(user_id=user_id, username=username, claims=claims)


@pytest.mark.requirement("quota.subjects")
async def test_organisation_and_system_of_an_identity_can_be_charged() -> None:
    caller = await caller_of(SYSTEM)
    assert organisation_of(caller).subject_id == "org 321"
    assert system_of(caller).subject_id == "system host-1"
    internal = await caller_of({**USER, "internal": {"org_id": "654"}})
    assert organisation_of(internal).subject_id == "org 654"


async def test_without_a_header_the_caller_is_unknown() -> None:
    with pytest.raises(Unauthenticated, match="Missing x-rh-identity header"):
        await identity_of()


@pytest.mark.parametrize(
    "header",
    ["%%%", "abc", "YWJj\n", "YW Jj", "YWJj=", "-_8=", "é" * 4],
    ids=["letters", "padding", "line", "blank", "more padding", "another alphabet", "not ASCII"],
)
async def test_what_is_not_base64_is_malformed(header: str) -> None:
    with pytest.raises(MalformedRequest, match="Invalid base64 encoding in x-rh-identity header"):
        await identity_of(header)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"identity": NaN}',
        b'{"identity": {}, "identity": {}}',
        b'{"identity": {"type": "User", "type": "System"}}',
        b"[" * 6_000,
        b"{} {}",
    ],
)
async def test_what_is_not_json_or_has_two_meanings_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedRequest, match="Invalid JSON in x-rh-identity header"):
        await identity_of(encoded(text))


def without(identity: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = json.loads(json.dumps(identity))
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    return changed


def user(user_id: Any) -> dict[str, Any]:
    return {"type": "User", "user": {"user_id": user_id, "username": "ada"}}


@pytest.mark.parametrize(
    "identity",
    [
        None,
        [],
        {},
        {"type": "Robot"},
        {"type": ["User"]},
        {**USER, "user": "ada"},
        without(USER, "user"),
        without(USER, "user", "user_id"),
        without(USER, "user", "username"),
        without(SYSTEM, "org_id"),
        without(SYSTEM, "system", "cn"),
        {**SYSTEM, "account_number": 123},
        {**SYSTEM, "account_number": ""},
        without(ACCOUNT, "service_account", "client_id"),
        without(ACCOUNT, "service_account", "username"),
        user(1),
        user(" "),
        user("u" * 257),
        user("a\nb"),
        user("a\0b"),
        user("a\x85b"),
        user("\ud800"),
    ],
)
async def test_an_identity_that_lacks_or_misuses_a_field_is_malformed(identity: Any) -> None:
    with pytest.raises(MalformedRequest, match="Invalid identity data"):
        await caller_of(identity)


@pytest.mark.parametrize("content", [[], "x", None, {"identities": USER}])
async def test_what_holds_no_identity_is_malformed(content: Any) -> None:
    with pytest.raises(MalformedRequest, match="Invalid identity data"):
        await identity_of(encoded(content))


async def test_the_longest_field_is_taken() -> None:
    assert (await caller_of(user("ü" * 256))).user_id == "ü" * 256


async def test_the_size_is_judged_before_anything_is_decoded() -> None:
    header = encoded({"identity": USER})

    assert (await identity_of(header, max_header_size=len(header))).user_id == "u-1"
    with pytest.raises(MalformedRequest, match="exceeds maximum allowed size"):
        await identity_of(header, max_header_size=len(header) - 1)
    with pytest.raises(MalformedRequest, match="exceeds maximum allowed size"):
        await identity_of("%" * 8_193)


async def test_a_caller_needs_all_entitlements() -> None:
    required = {"required_entitlements": ["rhel", "ansible"]}

    async def entitled(**entitlements: Any) -> Identity:
        content = {"identity": USER, "entitlements": entitlements}
        return await identity_of(encoded(content), **required)

    yes, no = {"is_entitled": True}, {"is_entitled": False}
    assert (await entitled(rhel=yes, ansible=yes, other=no)).user_id == "u-1"
    for entitlements in (
        {},
        {"rhel": yes},
        {"rhel": yes, "ansible": no},
        {"rhel": yes, "ansible": {"is_entitled": 1}},
        {"rhel": yes, "ansible": True},
    ):
        with pytest.raises(Forbidden, match=r"Insufficient entitlements: Missing: .*ansible"):
            await entitled(**entitlements)


async def test_a_caller_without_entitlements_has_none_and_entitlements_have_a_form() -> None:
    with pytest.raises(Forbidden, match="Insufficient entitlements"):
        await identity_of(encoded({"identity": USER}), required_entitlements=["rhel"])
    content = {"identity": USER, "entitlements": ["rhel"]}
    with pytest.raises(MalformedRequest, match="entitlements must be an object"):
        await identity_of(encoded(content), required_entitlements=["rhel"])
    assert (await identity_of(encoded(content))).user_id == "u-1"


@pytest.mark.attack(13)
async def test_two_headers_are_ambiguous_even_when_they_agree() -> None:
    header = encoded({"identity": USER})
    with pytest.raises(MalformedRequest, match="Ambiguous credentials"):
        await identity_of(header, header)
