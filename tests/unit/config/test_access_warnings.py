"""What is told of authentication and authorization at every start."""

from typing import Any

import pytest

from lightspeed_core.config.access_warnings import describe_access
from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.config.authorization import AuthorizationConfiguration
from lightspeed_core.config.service import ServiceConfiguration

URL = "https://sso.example.com/certs"
RULES = [{"role": "*", "actions": ["info"]}]
ROLE_RULE = {"jsonpath": "$.a", "operator": "equals", "value": ["x"], "roles": ["r"]}


def told(
    authentication: dict[str, Any] | None = None,
    *,
    rules: list[dict[str, Any]] | None = None,
    **service: Any,
) -> list[str]:
    return list(
        describe_access(
            ServiceConfiguration.model_validate(service),
            AuthenticationConfiguration.model_validate(authentication or {}),
            AuthorizationConfiguration.model_validate({"access_rules": rules}) if rules else None,
        )
    )


def jwk(*role_rules: dict[str, Any], **token: Any) -> dict[str, Any]:
    checked = {"issuer": "i", "audience": "a", "role_rules": role_rules, **token}
    return {"module": "jwk-token", "jwk_config": {"url": URL, "jwt_configuration": checked}}


@pytest.mark.attack(17)
@pytest.mark.parametrize("module", ["noop", "noop-with-token"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "lcs.example.com"])
def test_an_open_address_without_authentication_is_told(host: str, module: str) -> None:
    (said,) = told({"module": module}, host=host)
    assert said.startswith(f"service.host {host} is open to other machines")


@pytest.mark.attack(17)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_alone_is_no_risk(host: str) -> None:
    assert told(host=host) == []


def test_a_switch_without_effect_is_told() -> None:
    (said,) = told(auth_enabled=True)
    assert said.startswith("service.auth_enabled has no effect")


@pytest.mark.parametrize("module", ["noop", "noop-with-token", "k8s"])
def test_access_rules_that_do_not_bind_are_told(module: str) -> None:
    (said,) = told({"module": module}, rules=RULES)
    assert said.startswith(
        f"authorization.access_rules are ignored with authentication.module {module}:"
    )


def test_access_rules_that_bind_are_not_told() -> None:
    assert told(jwk(ROLE_RULE), rules=RULES) == []
    assert told({"module": "rh-identity", "rh_identity_config": {}}, rules=RULES) == []
    assert told({"module": "trusted-proxy", "trusted_proxy_config": {}}, rules=RULES) == []


def test_access_rules_and_role_rules_need_each_other() -> None:
    (said,) = told(jwk(), rules=RULES)
    assert "access_rules are ignored with authentication.module jwk-token without role_rul" in said
    (said,) = told(jwk(ROLE_RULE))
    assert said.startswith("jwt_configuration.role_rules have no effect without")


def test_a_rule_that_makes_everybody_an_administrator_is_told() -> None:
    admin = {"actions": ["admin"]}
    (said,) = told(jwk(ROLE_RULE), rules=[{"role": "*", **admin}])
    assert "give everybody (*) the action admin" in said
    assert told(jwk(ROLE_RULE), rules=[{"role": "r", **admin}]) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("jwk_config", {"url": URL}),
        ("api_key_config", {"api_key": "secret"}),
        ("rh_identity_config", {}),
        ("trusted_proxy_config", {}),
        ("k8s_cluster_api", "https://kubernetes.example.com"),
        ("skip_tls_verification", True),
        ("skip_for_health_probes", True),
        ("skip_for_metrics", True),
    ],
)
def test_a_key_of_another_module_is_told(key: str, value: Any) -> None:
    assert told({key: value}) == [
        f"authentication.{key} has no effect with authentication.module noop"
    ]


def test_keys_of_the_module_in_use_are_not_told() -> None:
    switches = {"skip_for_health_probes": True, "skip_for_metrics": True}
    for module, key, value in (
        ("api-key-token", "api_key_config", {"api_key": "secret"}),
        ("rh-identity", "rh_identity_config", {}),
        ("k8s", "k8s_cluster_api", "https://kubernetes.example.com"),
    ):
        assert told({"module": module, key: value, **switches}) == []


def test_unchecked_issuer_and_audience_are_told() -> None:
    assert told(jwk(issuer=None, audience=None)) == [
        "the issuer and audience of tokens is not checked (jwt_configuration)"
    ]
    assert told(jwk(audience=None)) == ["the audience of tokens is not checked (jwt_configuration)"]
    assert told(jwk()) == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"value": "x"}, "never fits"),
        ({"value": "x", "negate": True}, "always fits"),
        ({"operator": "in", "value": ["x", "y"]}, "never fits"),
        ({"operator": "in", "value": [["x"], "y"]}, None),
        ({"operator": "contains", "value": "x"}, None),
        ({"operator": "match", "value": "x"}, None),
    ],
)
def test_a_rule_that_compares_a_list_with_no_list_is_told(
    rule: dict[str, Any], says: str | None
) -> None:
    said = told(jwk(ROLE_RULE, {**ROLE_RULE, **rule}), rules=RULES)
    assert len(said) == (says is not None)
    for line in said:
        assert line.startswith(f"jwt_configuration.role_rules[1] {says}: what $.a finds is a list")
