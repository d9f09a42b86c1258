"""Asks the Kubernetes API, where callers are known by it, whether it makes reviews for us."""

from typing import Final

from lightspeed_core.auth.kubernetes.api import KubernetesApi, KubernetesUser
from lightspeed_core.auth.modules.k8s import ACCESS_PATH
from lightspeed_core.auth.registry import open_cluster
from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    ConfigurationError,
    InternalError,
)

_PLACE: Final = "authentication.module"
_MADE_UP: Final = "lightspeed-stack-doctor"
_NOBODY: Final = KubernetesUser(username="lightspeed-stack:doctor")
_GRANT: Final = "bind the service account to the ClusterRole system:auth-delegator"


async def check_kubernetes(authentication: AuthenticationConfiguration) -> list[Finding]:
    """Ask for the reviews that the configured module needs, about nobody."""
    if authentication.module not in {
        AuthenticationModule.K8S,
        AuthenticationModule.TRUSTED_PROXY,
    }:
        return []
    try:
        async with open_cluster(authentication) as cluster:
            found = [await _check_tokens(cluster)]
            if authentication.module is AuthenticationModule.K8S:
                found.append(await _check_access(cluster))
            return found
    except ConfigurationError as error:
        remedy = "correct the section authentication, or run the service where a cluster is known"
        return [fatal(error.cause, where=_PLACE, remedy=remedy)]
    except AuthenticationUnavailable as error:
        remedy = (
            "correct authentication.k8s_cluster_api and k8s_ca_cert_path, let this machine connect "
            f"to the API, or {_GRANT}"
        )
        return [fatal(f"{error.message}: {error.cause}", where=_PLACE, remedy=remedy)]
    except InternalError as error:
        return [fatal(error.cause, where=_PLACE, remedy=_GRANT)]


async def _check_tokens(cluster: KubernetesApi) -> Finding:
    if await cluster.review_token(_MADE_UP) is None:
        return fine("the Kubernetes API reviews tokens for this service", where=_PLACE)
    remedy = "name the address of a Kubernetes API in authentication.k8s_cluster_api"
    return fatal("the Kubernetes API accepted a made-up token", where=_PLACE, remedy=remedy)


async def _check_access(cluster: KubernetesApi) -> Finding:
    if not await cluster.may_get(_NOBODY, ACCESS_PATH):
        return fine("the Kubernetes API reviews access for this service", where=_PLACE)
    return warning(
        f"the Kubernetes API admits a made-up user to {ACCESS_PATH}: it admits everybody",
        where=_PLACE,
        remedy="use a cluster whose authorization is RBAC",
    )
