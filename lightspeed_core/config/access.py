"""What sections `authentication` and `authorization` mean together."""

from typing import Final

from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.authorization import AccessRule, AuthorizationConfiguration

RULED_MODULES: Final = frozenset(
    {
        AuthenticationModule.JWK,
        AuthenticationModule.RH_IDENTITY,
        AuthenticationModule.TRUSTED_PROXY,
    }
)
"""Modules with which access rules bind; with others everything is allowed."""


def binding_rules(
    authentication: AuthenticationConfiguration, authorization: AuthorizationConfiguration | None
) -> tuple[AccessRule, ...]:
    """Return the access rules that bind; without any, everything is allowed.

    With `jwk-token` they bind where role rules give roles.
    """
    if authorization is None or authentication.module not in RULED_MODULES:
        return ()
    if authentication.module is AuthenticationModule.JWK and not _has_role_rules(authentication):
        return ()
    return authorization.access_rules


def _has_role_rules(authentication: AuthenticationConfiguration) -> bool:
    keys = authentication.jwk_config
    return keys is not None and bool(keys.jwt_configuration.role_rules)
