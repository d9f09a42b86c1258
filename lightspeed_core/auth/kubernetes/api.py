"""What authentication asks of a Kubernetes cluster. It knows no library and no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from lightspeed_core.errors import AuthenticationUnavailable

BACKEND: Final = "Kubernetes API"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesUser:
    """A user as the cluster knows them; not every authenticator of a cluster gives a `uid`."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


class KubernetesApi(Protocol):
    """The reviews that a cluster makes for us.

    Every verb raises `AuthenticationUnavailable` when the cluster does not answer in time or not
    readably, and `InternalError` when it refuses to answer us.
    """

    async def review_token(self, token: str) -> KubernetesUser | None:
        """Return whose token it is, None when the cluster does not accept it."""
        ...

    async def may_get(self, user: KubernetesUser, path: str) -> bool:
        """Say whether the user may `get` a path that is no resource."""
        ...

    async def find_cluster_id(self) -> str | None:
        """Return the id of the OpenShift cluster that we run in, None outside of a cluster."""
        ...


def unavailable(cause: str) -> AuthenticationUnavailable:
    """Build the error for a cluster that gives no answer which could be used."""
    return AuthenticationUnavailable(cause, backend=BACKEND)
