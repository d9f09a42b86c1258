"""A cluster without sockets, for the modules that ask one."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from lightspeed_core.auth.kubernetes.api import KubernetesUser

if TYPE_CHECKING:
    from lightspeed_core.errors import LightspeedError


class ScriptedCluster:
    """Knows some tokens and admits some users; `failures` are raised instead, by verb."""

    def __init__(self, **users: KubernetesUser) -> None:
        self.users = users
        self.admitted: set[str] = {user.username for user in users.values()}
        self.cluster_id: str | None = "cluster-1"
        self.failures: dict[str, LightspeedError] = {}
        self.calls = Counter[str]()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def review_token(self, token: str) -> KubernetesUser | None:
        await self._called("review_token")
        return self.users.get(token)

    async def may_get(self, user: KubernetesUser, path: str) -> bool:
        await self._called("may_get")
        assert path == "/ls-access"
        return user.username in self.admitted

    async def find_cluster_id(self) -> str | None:
        await self._called("find_cluster_id")
        return self.cluster_id

    async def _called(self, verb: str) -> None:
        self.calls[verb] += 1
        await self.may_answer.wait()
        if verb in self.failures:
            raise self.failures[verb]
