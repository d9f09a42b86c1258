"""Finds the way to the Kubernetes API: the pod's own, a kubeconfig, or the configured address."""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import yaml
from kubernetes_asyncio.client.configuration import Configuration
from kubernetes_asyncio.config import kube_config
from kubernetes_asyncio.config.config_exception import ConfigException
from kubernetes_asyncio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_PORT_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from kubernetes_asyncio.config.kube_config import (
    ENV_KUBECONFIG_PATH_SEPARATOR,
    KUBE_CONFIG_DEFAULT_LOCATION,
)

from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.errors import ConfigurationError

logger = logging.getLogger(__name__)

# The library describes this function's arguments to no type checker.
_load_kube_config: Final = cast("Any", kube_config).load_kube_config
_UNREADABLE: Final = (
    ConfigException,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    yaml.YAMLError,
)
"""What the library raises over a kubeconfig, or a command in it, that is not as it should be."""

_REREAD_SECONDS: Final = 60.0
"""As often the library reads the token of a pod again; kubelet renews it minutes before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a process finds what it was given to reach its cluster."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    token: str = SERVICE_TOKEN_FILENAME
    certificate: str = SERVICE_CERT_FILENAME
    kubeconfig: str = KUBE_CONFIG_DEFAULT_LOCATION

    @property
    def are_a_cluster(self) -> bool:
        """Say whether this is a pod."""
        return bool(
            self.environ.get(SERVICE_HOST_ENV_NAME) and self.environ.get(SERVICE_PORT_ENV_NAME)
        )

    @property
    def have_token(self) -> bool:
        """Say whether a service account is mounted."""
        return Path(self.token).is_file()

    @property
    def have_kubeconfig(self) -> bool:
        """Say whether one of the named files is there."""
        paths = self.kubeconfig.split(ENV_KUBECONFIG_PATH_SEPARATOR)
        return any(path and Path(path).expanduser().is_file() for path in paths)


async def find_connection(
    settings: AuthenticationConfiguration, surroundings: Surroundings
) -> Configuration:
    """Return how to reach the API and who we are there; tokens are read again as they change.

    Raises `ConfigurationError` when no way is known, or the known one cannot be used.
    """
    connection = Configuration()
    # Newer Pythons ask for extensions that the certificates of many clusters do not have.
    connection.disable_strict_ssl_verification = True
    await _load(connection, settings, surroundings)
    if settings.k8s_cluster_api is not None:
        connection.host = str(settings.k8s_cluster_api).rstrip("/")
    if settings.k8s_ca_cert_path is not None:
        connection.ssl_ca_cert = str(settings.k8s_ca_cert_path)
    if settings.skip_tls_verification:
        connection.verify_ssl = False
    return connection


async def _load(
    connection: Configuration, settings: AuthenticationConfiguration, surroundings: Surroundings
) -> None:
    if surroundings.are_a_cluster and surroundings.have_token:
        _load_pod(connection, settings, surroundings)
    elif surroundings.have_kubeconfig:
        await _load_kubeconfig(connection, settings, surroundings.kubeconfig)
    elif settings.k8s_cluster_api is None:
        raise ConfigurationError(
            f"authentication.module: '{settings.module}' knows no Kubernetes API: this is no pod "
            f"with a service account, and there is no kubeconfig at {surroundings.kubeconfig}; "
            "set authentication.k8s_cluster_api"
        )
    else:
        logger.warning(
            "kubernetes api is asked without credentials: no service account token, no kubeconfig"
        )


def _load_pod(
    connection: Configuration, settings: AuthenticationConfiguration, surroundings: Surroundings
) -> None:
    loader = InClusterConfigLoader(
        token_filename=surroundings.token,
        cert_filename=str(settings.k8s_ca_cert_path or surroundings.certificate),
        environ=dict(surroundings.environ),
    )
    try:
        loader.load_and_set(connection)
    except (ConfigException, OSError, ValueError) as error:
        raise ConfigurationError(
            f"authentication.module: '{settings.module}' cannot use the service account of this "
            f"pod: {error} Mount it, or set authentication.k8s_ca_cert_path"
        ) from error


async def _load_kubeconfig(
    connection: Configuration, settings: AuthenticationConfiguration, path: str
) -> None:
    try:
        await _read_kubeconfig(connection, path)
    except _UNREADABLE as error:
        # The library's messages quote the entries of the file, tokens included.
        raise ConfigurationError(
            f"authentication.module: '{settings.module}' cannot use the kubeconfig at {path} "
            f"({type(error).__name__}); mend it, or set authentication.k8s_cluster_api and "
            "KUBECONFIG to no file"
        ) from None
    connection.refresh_api_key_hook = _rereading(path)


async def _read_kubeconfig(connection: Configuration, path: str) -> None:
    # The library would write tokens that it has renewed into the file.
    await _load_kube_config(path, client_configuration=connection, persist_config=False)


def _rereading(path: str) -> Callable[[Any], Awaitable[None]]:
    """Return what the library calls before each request: tokens of files and commands end."""
    until = time.monotonic() + _REREAD_SECONDS

    async def reread(connection: Any) -> None:
        nonlocal until
        if time.monotonic() < until:
            return
        until = time.monotonic() + _REREAD_SECONDS
        fresh: Any = Configuration()
        try:
            await _read_kubeconfig(fresh, path)
        except _UNREADABLE as error:
            raise ConfigException(
                f"{path} could not be read again ({type(error).__name__})"
            ) from None
        connection.api_key.update(fresh.api_key)

    return reread
