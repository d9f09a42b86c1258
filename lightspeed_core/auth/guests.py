"""Probes and metrics for callers without credentials, where a switch says so.

It knows paths and no routes; a guest brings along the one action that the path needs.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity

_PROBES: Final = ("/readiness", "/liveness", "/v1/readiness", "/v1/liveness")
_METRICS: Final = "/metrics"

# Whoever sends these to one of these modules is not taken for a guest, but judged.
_JUDGED_HEADER: Final = MappingProxyType(
    {
        AuthenticationModule.K8S: "authorization",
        AuthenticationModule.TRUSTED_PROXY: "authorization",
        AuthenticationModule.RH_IDENTITY: "x-rh-identity",
    }
)


class GuestAuthenticator:
    """Admits guests to some paths, and asks the configured module about all others."""

    def __init__(
        self, module: Authenticator, *, paths: Mapping[str, Action], judged_header: str | None
    ) -> None:
        self._module = module
        self._judged_header = judged_header
        self._guests = {
            path: Identity(
                user_id=DEFAULT_USER_ID,
                username=DEFAULT_USER_NAME,
                skip_user_id_check=True,
                actions=frozenset({action}),
            )
            for path, action in paths.items()
        }

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the guest of an open path, else whom the module sees; raises as it does."""
        guest = self._guests.get(credentials.path)
        if guest is not None and not self._is_judged(credentials):
            return guest
        return await self._module.authenticate(credentials)

    def _is_judged(self, credentials: Credentials) -> bool:
        header = self._judged_header
        return header is not None and credentials.header(header) is not None


def with_guests(module: Authenticator, configuration: AuthenticationConfiguration) -> Authenticator:
    """Return the module, in front of it what the skip switches open."""
    paths: dict[str, Action] = {}
    if configuration.skip_for_health_probes:
        paths |= dict.fromkeys(_PROBES, Action.INFO)
    if configuration.skip_for_metrics:
        paths[_METRICS] = Action.GET_METRICS
    if not paths or configuration.module is AuthenticationModule.NOOP:
        return module
    return GuestAuthenticator(
        module, paths=paths, judged_header=_JUDGED_HEADER.get(configuration.module)
    )
