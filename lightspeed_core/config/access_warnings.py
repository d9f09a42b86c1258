"""What an operator must be told of authentication and authorization at every start."""

from collections.abc import Iterator
from typing import Final

from lightspeed_core.config.access import RULED_MODULES, binding_rules
from lightspeed_core.config.addresses import is_loopback
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
    JwtConfiguration,
)
from lightspeed_core.config.authorization import Action, AuthorizationConfiguration
from lightspeed_core.config.role_rules import JsonPathOperator, JwtRoleRule
from lightspeed_core.config.service import ServiceConfiguration

_OPEN_MODULES: Final = {AuthenticationModule.NOOP, AuthenticationModule.NOOP_WITH_BEARER}
_KUBERNETES: Final = frozenset({AuthenticationModule.K8S, AuthenticationModule.TRUSTED_PROXY})
_ASKING: Final = frozenset(AuthenticationModule) - {AuthenticationModule.NOOP}

# Keys of the section, and the modules that read them.
_READ_BY: Final = {
    "skip_tls_verification": _KUBERNETES,
    "k8s_cluster_api": _KUBERNETES,
    "k8s_ca_cert_path": _KUBERNETES,
    "skip_for_health_probes": _ASKING,
    "skip_for_metrics": _ASKING,
    "jwk_config": frozenset({AuthenticationModule.JWK}),
    "api_key_config": frozenset({AuthenticationModule.API_KEY}),
    "rh_identity_config": frozenset({AuthenticationModule.RH_IDENTITY}),
    "trusted_proxy_config": frozenset({AuthenticationModule.TRUSTED_PROXY}),
}


def describe_access(
    service: ServiceConfiguration,
    authentication: AuthenticationConfiguration,
    authorization: AuthorizationConfiguration | None,
    *,
    roles_are_asked: bool = False,
) -> Iterator[str]:
    """Say what is open, what has no effect, and what is not checked.

    `roles_are_asked` says whether roles decide over more than actions.
    """
    module = authentication.module
    if module in _OPEN_MODULES and not is_loopback(service.host):
        yield (
            f"service.host {service.host} is open to other machines and authentication.module "
            f"{module} believes everybody: anyone who can connect may ask as anyone"
        )
    if service.auth_enabled and module is AuthenticationModule.NOOP:
        yield "service.auth_enabled has no effect; authentication.module decides and is noop"
    for key, readers in _READ_BY.items():
        if getattr(authentication, key) and module not in readers:
            yield f"authentication.{key} has no effect with authentication.module {module}"
    yield from _describe_rules(authentication, authorization)
    if authentication.jwk_config and module is AuthenticationModule.JWK:
        token = authentication.jwk_config.jwt_configuration
        yield from _describe_tokens(
            token,
            is_ruled=roles_are_asked or bool(binding_rules(authentication, authorization)),
        )


def _describe_rules(
    authentication: AuthenticationConfiguration, authorization: AuthorizationConfiguration | None
) -> Iterator[str]:
    module = authentication.module
    binding = binding_rules(authentication, authorization)
    if authorization and authorization.access_rules and not binding:
        why = " without role_rules" if module in RULED_MODULES else ""
        yield (
            f"authorization.access_rules are ignored with authentication.module {module}{why}: "
            "every caller may do everything but look at the conversations of others"
        )
    if any(rule.role == "*" and Action.ADMIN in rule.actions for rule in binding):
        yield (
            "authorization.access_rules give everybody (*) the action admin: every caller may "
            "read, continue and delete the conversations of all"
        )


def _describe_tokens(token: JwtConfiguration, *, is_ruled: bool) -> Iterator[str]:
    unchecked = [key for key in ("issuer", "audience") if getattr(token, key) is None]
    if unchecked:
        yield f"the {' and '.join(unchecked)} of tokens is not checked (jwt_configuration)"
    if token.role_rules and not is_ruled:
        yield (
            "jwt_configuration.role_rules have no effect without authorization.access_rules: "
            "every caller may do everything but look at the conversations of others"
        )
    for number, rule in enumerate(token.role_rules):
        yield from _describe_role_rule(number, rule)


def _describe_role_rule(number: int, rule: JwtRoleRule) -> Iterator[str]:
    choices = {
        JsonPathOperator.EQUALS: [rule.value],
        JsonPathOperator.IN: rule.value,
    }.get(rule.operator)
    if choices is not None and not any(isinstance(choice, list) for choice in choices):
        always = "always" if rule.negate else "never"
        yield (
            f"jwt_configuration.role_rules[{number}] {always} fits: what {rule.jsonpath} finds "
            f"is a list, and {rule.operator} compares it with no list; write [value] for value"
        )
