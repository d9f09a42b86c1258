"""From the configuration to a module, and to who decides what its callers may do."""

from typing import Any

import pytest

from lightspeed_core.auth.authorizer import OpenAuthorizer, RuleAuthorizer
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.modules.api_key import ApiKeyAuthenticator
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.auth.modules.noop_with_token import NoopWithTokenAuthenticator
from lightspeed_core.auth.modules.rh_identity import RhIdentityAuthenticator
from lightspeed_core.auth.registry import authorizer_of, open_authenticator
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.authorization import AuthorizationConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.http.settings import OutboundSettings

RULES = AuthorizationConfiguration.model_validate(
    {
        "access_rules": [
            {"role": "*", "actions": ["info"]},
            {"role": "asker", "actions": ["query"]},
        ]
    }
)
ASKER = {"jsonpath": "$.group", "operator": "equals", "value": ["askers"], "roles": ["asker"]}
URL = "https://sso.example.com/certs"
SECTIONS: dict[str, dict[str, Any]] = {
    "noop": {},
    "noop-with-token": {},
    "k8s": {},
    "api-key-token": {"api_key_config": {"api_key": "secret"}},
    "rh-identity": {"rh_identity_config": {}},
    "trusted-proxy": {"trusted_proxy_config": {}},
    "jwk-token": {"jwk_config": {"url": URL}},
}


def configured(module: str, **more: Any) -> AuthenticationConfiguration:
    return AuthenticationConfiguration.model_validate(
        {"module": module, **SECTIONS[module], **more}
    )


def ruled_jwk(*rules: dict[str, Any]) -> AuthenticationConfiguration:
    token = {"role_rules": rules}
    return configured("jwk-token", jwk_config={"url": URL, "jwt_configuration": token})


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("noop", NoopAuthenticator),
        ("noop-with-token", NoopWithTokenAuthenticator),
        ("api-key-token", ApiKeyAuthenticator),
        ("rh-identity", RhIdentityAuthenticator),
    ],
)
async def test_the_module_that_is_named_is_opened(module: str, kind: type) -> None:
    async with open_authenticator(configured(module), OutboundSettings()) as authenticator:
        assert isinstance(authenticator, kind)


async def test_a_module_is_asked_no_more_where_a_switch_says_so() -> None:
    configuration = configured("api-key-token", skip_for_health_probes=True)
    async with open_authenticator(configuration, OutboundSettings()) as authenticator:
        guest = await authenticator.authenticate(Credentials(path="/readiness"))
    assert guest.actions == {"info"}


@pytest.mark.parametrize("module", ["noop", "noop-with-token", "k8s", "api-key-token"])
def test_rules_are_ignored_by_modules_that_know_no_roles(module: str) -> None:
    assert isinstance(authorizer_of(configured(module), RULES), OpenAuthorizer)


@pytest.mark.parametrize("module", ["rh-identity", "trusted-proxy"])
def test_rules_bind_for_everybody_alike_where_callers_have_no_roles(module: str) -> None:
    authorizer = authorizer_of(configured(module), RULES)
    assert authorizer.actions_of(Identity(user_id="ada", username="Ada")) == {"info"}


@pytest.mark.parametrize("module", list(SECTIONS))
@pytest.mark.parametrize("rules", [None, AuthorizationConfiguration()])
def test_without_access_rules_everything_is_allowed(
    module: str, rules: AuthorizationConfiguration | None
) -> None:
    assert isinstance(authorizer_of(configured(module), rules), OpenAuthorizer)


def test_tokens_give_roles_by_rules_and_without_those_access_rules_do_not_bind() -> None:
    authorizer = authorizer_of(ruled_jwk(ASKER), RULES)
    assert isinstance(authorizer, RuleAuthorizer)
    ada = Identity(user_id="ada", username="Ada", claims={"group": "askers"})
    bob = Identity(user_id="bob", username="Bob", claims={"group": "others"})
    assert authorizer.actions_of(ada) == {"info", "query"}
    assert authorizer.actions_of(bob) == {"info"}

    assert isinstance(authorizer_of(ruled_jwk(), RULES), OpenAuthorizer)
    assert isinstance(authorizer_of(ruled_jwk(ASKER), None), OpenAuthorizer)


async def test_a_module_without_its_section_is_refused() -> None:
    configuration = AuthenticationConfiguration.model_construct(module=AuthenticationModule.JWK)
    with pytest.raises(ConfigurationError, match="section of module 'jwk-token' is missing"):
        async with open_authenticator(configuration, OutboundSettings()):
            pass


@pytest.mark.requirement("access.stores")
def test_role_rules_give_roles_also_where_no_access_rules_are() -> None:
    ada = Identity(user_id="ada", username="Ada", claims={"group": "askers"})

    assert authorizer_of(ruled_jwk(ASKER), None).roles_of(ada) == {"asker"}
    assert authorizer_of(ruled_jwk(ASKER), RULES).roles_of(ada) == {"asker"}
    for module in SECTIONS:
        assert authorizer_of(configured(module), RULES).roles_of(ada) == frozenset()
