"""From the configuration to an authentication module and an authorizer."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.authorizer import (
    Authorizer,
    OpenAuthorizer,
    RolesOf,
    RuleAuthorizer,
)
from lightspeed_core.auth.guests import with_guests
from lightspeed_core.auth.kubernetes.api import KubernetesApi
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.access import binding_rules
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.authorization import AuthorizationConfiguration
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.http.settings import OutboundSettings


@asynccontextmanager
async def open_authenticator(
    configuration: AuthenticationConfiguration, outbound: OutboundSettings
) -> AsyncGenerator[Authenticator]:
    """Hold the configured module open, with whatever connections it has; `outbound` rules them.

    Raises `ConfigurationError` for a module that cannot be opened as it is configured.
    """
    async with _open_module(configuration, outbound) as module:
        yield with_guests(module, configuration)


@asynccontextmanager
async def _open_module(
    configuration: AuthenticationConfiguration, outbound: OutboundSettings
) -> AsyncGenerator[Authenticator]:
    # Each case imports what its module alone needs.
    match configuration.module:
        case AuthenticationModule.NOOP:
            yield NoopAuthenticator()
        case AuthenticationModule.NOOP_WITH_BEARER:
            from lightspeed_core.auth.modules.noop_with_token import NoopWithTokenAuthenticator

            yield NoopWithTokenAuthenticator()
        case AuthenticationModule.API_KEY if settings := configuration.api_key_config:
            from lightspeed_core.auth.modules.api_key import ApiKeyAuthenticator

            yield ApiKeyAuthenticator(settings.api_key)
        case AuthenticationModule.JWK if settings := configuration.jwk_config:
            from lightspeed_core.auth.modules.jwk import open_jwk

            async with open_jwk(settings, outbound) as authenticator:
                yield authenticator
        case AuthenticationModule.RH_IDENTITY if settings := configuration.rh_identity_config:
            from lightspeed_core.auth.modules.rh_identity import RhIdentityAuthenticator

            yield RhIdentityAuthenticator(settings)
        case AuthenticationModule.K8S:
            from lightspeed_core.auth.modules.k8s import K8sAuthenticator

            async with open_cluster(configuration) as cluster:
                yield K8sAuthenticator(cluster)
        case AuthenticationModule.TRUSTED_PROXY if settings := configuration.trusted_proxy_config:
            from lightspeed_core.auth.modules.trusted_proxy import TrustedProxyAuthenticator

            async with open_cluster(configuration) as cluster:
                yield TrustedProxyAuthenticator(cluster, settings)
        case module:
            raise ConfigurationError(f"authentication: the section of module '{module}' is missing")


def open_cluster(
    configuration: AuthenticationConfiguration,
) -> AbstractAsyncContextManager[KubernetesApi]:
    """Hold the client of the configured Kubernetes API open; nothing is asked yet.

    Raises `ConfigurationError` when its package is not installed, or no API is known.
    """
    try:
        from lightspeed_core.auth.kubernetes.client import open_kubernetes
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"authentication.module: '{configuration.module}' needs the package "
            "kubernetes-asyncio, which is not installed; install it with "
            "`pip install 'lightspeed-stack[k8s]'`"
        ) from error
    return open_kubernetes(configuration)


def authorizer_of(
    authentication: AuthenticationConfiguration, authorization: AuthorizationConfiguration | None
) -> Authorizer:
    """Build what decides over actions."""
    rules = binding_rules(authentication, authorization)
    roles_of = _roles_of(authentication)
    return RuleAuthorizer(rules, roles_of) if rules else OpenAuthorizer(roles_of)


def _roles_of(authentication: AuthenticationConfiguration) -> RolesOf | None:
    if authentication.module is not AuthenticationModule.JWK or not authentication.jwk_config:
        return None
    role_rules = authentication.jwk_config.jwt_configuration.role_rules
    if not role_rules:
        return None
    from lightspeed_core.auth.roles import RoleRules

    return RoleRules(role_rules).roles_of
