"""What is a risk where a Kubernetes cluster says who callers are."""

from collections.abc import Iterator
from typing import Final

from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)

_CLUSTER_MODULES: Final = {AuthenticationModule.K8S, AuthenticationModule.TRUSTED_PROXY}


def describe_cluster(authentication: AuthenticationConfiguration) -> Iterator[str]:
    """Say where somebody could answer in the cluster's place, or speak for every user."""
    if authentication.module not in _CLUSTER_MODULES:
        return
    if authentication.skip_tls_verification:
        yield (
            "authentication.skip_tls_verification is on: whoever can answer in the place of the "
            "Kubernetes API learns tokens and says who callers are"
        )
    address = authentication.k8s_cluster_api
    if address is not None and not address.startswith("https:"):
        yield "authentication.k8s_cluster_api is not https: tokens are sent where others can read"
    proxies = authentication.trusted_proxy_config
    if (
        authentication.module is AuthenticationModule.TRUSTED_PROXY
        and proxies is not None
        and proxies.allowed_service_accounts is None
    ):
        yield (
            "authentication.trusted_proxy_config.allowed_service_accounts is unset: every service "
            "account of the cluster may name any user"
        )
