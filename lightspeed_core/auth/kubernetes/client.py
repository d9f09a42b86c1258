"""Asks a Kubernetes API over kubernetes-asyncio, and tells its failures as errors of ours.

Answers are read by us and not by the library, which bounds no answer and logs each of them, with
the token inside, at level debug.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import aiohttp
from kubernetes_asyncio.client.api.authentication_v1_api import AuthenticationV1Api
from kubernetes_asyncio.client.api.authorization_v1_api import AuthorizationV1Api
from kubernetes_asyncio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.config.config_exception import ConfigException

from lightspeed_core.auth.kubernetes.answers import (
    UnreadableAnswer,
    cluster_id_in,
    is_allowed_in,
    user_in,
)
from lightspeed_core.auth.kubernetes.api import KubernetesUser, unavailable
from lightspeed_core.auth.kubernetes.connection import Surroundings, find_connection
from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.errors import (
    AuthenticationUnavailable,
    ConfigurationError,
    InternalError,
)

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5.0
"""How long one answer of the API may take, from the first byte sent to the last one read."""
LARGEST_ANSWER_BYTES: Final = 1_048_576

_RAW: Final[dict[str, Any]] = {"_preload_content": False, "_request_timeout": ANSWER_SECONDS}
_NO_CHECK: Final = "Unable to perform authorization check"


class RedirectRefused(aiohttp.ClientError):
    """The API sent us elsewhere, where the token that it was asked about has no business."""


class KubernetesClient:
    """The API of one cluster, asked with the service's own credentials."""

    def __init__(self, client: ApiClient, *, is_in_cluster: bool) -> None:
        self._tokens: Any = AuthenticationV1Api(client)
        self._access: Any = AuthorizationV1Api(client)
        self._objects: Any = CustomObjectsApi(client)
        self._is_in_cluster = is_in_cluster

    async def review_token(self, token: str) -> KubernetesUser | None:
        """Return whose token it is; see `KubernetesApi`."""
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token},
        }
        status, body = await _answer(self._tokens.create_token_review(review, **_RAW))
        if status >= 400:
            _told_missing(status, "create tokenreviews.authentication.k8s.io")
            raise InternalError("The Kubernetes API refused to review the token.")
        try:
            return user_in(body)
        except UnreadableAnswer as error:
            raise unavailable("The Kubernetes API sent no readable review of the token.") from error

    async def may_get(self, user: KubernetesUser, path: str) -> bool:
        """Say whether the user may get the path; see `KubernetesApi`.

        Whatever goes wrong is `AuthenticationUnavailable`.
        """
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user.username,
                "uid": user.uid,
                "groups": list(user.groups),
                "extra": {key: list(values) for key, values in user.extra.items()},
                "nonResourceAttributes": {"path": path, "verb": "get"},
            },
        }
        try:
            status, body = await _answer(self._access.create_subject_access_review(review, **_RAW))
        except AuthenticationUnavailable as error:
            raise unavailable(_NO_CHECK) from error
        if status >= 400:
            _told_missing(status, "create subjectaccessreviews.authorization.k8s.io")
            raise unavailable(_NO_CHECK)
        try:
            return is_allowed_in(body)
        except UnreadableAnswer as error:
            raise unavailable(_NO_CHECK) from error

    async def find_cluster_id(self) -> str | None:
        """Return the cluster's id; see `KubernetesApi`."""
        if not self._is_in_cluster:
            return None
        status, body = await _answer(
            self._objects.get_cluster_custom_object(
                "config.openshift.io", "v1", "clusterversions", "version", **_RAW
            )
        )
        if status >= 400:
            _refuse_cluster_id(status)
        try:
            return cluster_id_in(body)
        except UnreadableAnswer as error:
            raise InternalError("Missing or invalid 'clusterID' in ClusterVersion") from error


@asynccontextmanager
async def open_kubernetes(
    settings: AuthenticationConfiguration, surroundings: Surroundings | None = None
) -> AsyncGenerator[KubernetesClient]:
    """Open the one client of this process; nothing is asked yet.

    Raises `ConfigurationError` when the API's address or certificates cannot be used.
    """
    surroundings = surroundings or Surroundings()
    connection = await find_connection(settings, surroundings)
    try:
        client = ApiClient(connection)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"authentication.k8s_ca_cert_path: {connection.ssl_ca_cert} holds no certificates of "
            "the Kubernetes API that can be read; a PEM file is wanted"
        ) from error
    client.rest_client.pool_manager.trace_configs.append(_no_redirects())
    try:
        yield KubernetesClient(client, is_in_cluster=surroundings.are_a_cluster)
    finally:
        await client.close()


def _no_redirects() -> aiohttp.TraceConfig:
    async def refuse(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        redirect: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        del session, context
        raise RedirectRefused(f"status {redirect.response.status}")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(refuse)
    tracing.freeze()
    return tracing


async def _answer(request: Awaitable[aiohttp.ClientResponse]) -> tuple[int, bytes]:
    """Return status and body; raises `AuthenticationUnavailable` for 429, 5xx and no answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await request
            async with response:
                body = await _read(response)
    # OSError and ConfigException: the token of ours could not be read again.
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ConfigException) as error:
        raise unavailable("The Kubernetes API does not answer.") from error
    if response.status >= 500 or response.status == 429:
        raise unavailable(f"The Kubernetes API answers with status {response.status}.")
    return response.status, body


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > LARGEST_ANSWER_BYTES:
            raise UnreadableAnswer(f"the answer is longer than {LARGEST_ANSWER_BYTES} bytes")
    return bytes(body)


def _told_missing(status: int, permission: str) -> None:
    if status == 401:
        logger.error("kubernetes api refused the credentials of this service status=401")
    else:
        logger.error(
            "kubernetes api refused a request of this service status=%d permission=%r",
            status,
            permission,
        )


def _refuse_cluster_id(status: int) -> NoReturn:
    if status == 404:
        raise InternalError("ClusterVersion 'version' resource not found in OpenShift cluster")
    _told_missing(status, "get clusterversions.config.openshift.io")
    raise InternalError("Insufficient permissions to read ClusterVersion resource")
