"""Lets a Kubernetes cluster say who the caller is, and whether they may use the service."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.brief_answers import BriefAnswers
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.kubernetes.api import KubernetesApi
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, Unauthenticated

ACCESS_PATH: Final = "/ls-access"
"""The path that a role must allow to be read, so that its users may use the service."""
_KUBE_ADMIN: Final = "kube:admin"
_OUTSIDE: Final = "local"


class _Verdict(Enum):
    UNKNOWN = auto()
    DENIED = auto()
    ADMITTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """What came of a token; it does not hold the token."""

    verdict: _Verdict
    user_id: str = ""
    username: str = ""


class K8sAuthenticator:
    """Reviews a bearer token, then the access of its user to `ACCESS_PATH`."""

    def __init__(self, api: KubernetesApi, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._cluster_id: str | None = None
        self._decisions = BriefAnswers(
            self._decide, is_yes=lambda made: made.verdict is _Verdict.ADMITTED, clock=clock
        )

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the token's user.

        Raises `Unauthenticated` for a missing or refused token, `Forbidden` for a user without
        access, `AuthenticationUnavailable` when the cluster does not say, `InternalError` when it
        does not let us ask.
        """
        token = bearer_token(credentials)
        decision = await self._decisions.about(token)
        match decision.verdict:
            case _Verdict.UNKNOWN:
                raise Unauthenticated("Invalid or expired Kubernetes token")
            case _Verdict.DENIED:
                raise Forbidden.of_endpoint(decision.user_id)
            case _Verdict.ADMITTED:
                return Identity(user_id=decision.user_id, username=decision.username, token=token)

    async def _decide(self, token: str) -> _Decision:
        user = await self._api.review_token(token)
        if user is None:
            return _Decision(verdict=_Verdict.UNKNOWN)
        # Names are unique in a cluster; its certificates and some OIDC servers give no uid.
        user_id = user.uid or user.username
        if user.username == _KUBE_ADMIN:
            user_id = await self._find_cluster_id()
        is_admitted = await self._api.may_get(user, ACCESS_PATH)
        verdict = _Verdict.ADMITTED if is_admitted else _Verdict.DENIED
        return _Decision(verdict=verdict, user_id=user_id, username=user.username)

    async def _find_cluster_id(self) -> str:
        """Return what stands for `kube:admin`, asked for once per process."""
        if self._cluster_id is None:
            self._cluster_id = await self._api.find_cluster_id() or _OUTSIDE
        return self._cluster_id
