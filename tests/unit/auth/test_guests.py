"""What the skip switches open, and to whom."""

from typing import Any

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.guests import with_guests
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated

PROBES = ("/readiness", "/liveness", "/v1/readiness", "/v1/liveness")
OTHERS = ("/v1/info", "/v1/query", "/readiness/", "/x/readiness", "/v1/metrics", "/")
MODULES = [module for module in AuthenticationModule if module is not AuthenticationModule.NOOP]
JUDGING = {
    AuthenticationModule.K8S: "authorization",
    AuthenticationModule.TRUSTED_PROXY: "authorization",
    AuthenticationModule.RH_IDENTITY: "x-rh-identity",
}


class Refusing:
    """A module that knows nobody."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        del credentials
        raise Unauthenticated("No Authorization header found")


async def visit(
    module: AuthenticationModule, path: str, *headers: tuple[str, str], **switches: Any
) -> Identity:
    configuration = AuthenticationConfiguration.model_construct(module=module, **switches)
    visited = with_guests(Refusing(), configuration)
    return await visited.authenticate(Credentials(path=path, headers=headers))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("path", PROBES)
async def test_probes_are_open_where_their_switch_says_so(
    module: AuthenticationModule, path: str
) -> None:
    guest = await visit(module, path, skip_for_health_probes=True)

    assert guest == Identity(
        user_id=DEFAULT_USER_ID,
        username=DEFAULT_USER_NAME,
        skip_user_id_check=True,
        actions=frozenset({"info"}),
    )
    for switches in ({}, {"skip_for_metrics": True}):
        with pytest.raises(Unauthenticated):
            await visit(module, path, **switches)


@pytest.mark.parametrize("module", MODULES)
async def test_metrics_are_open_where_their_switch_says_so(module: AuthenticationModule) -> None:
    guest = await visit(module, "/metrics", skip_for_metrics=True)

    assert guest.actions == {"get_metrics"}
    with pytest.raises(Unauthenticated):
        await visit(module, "/metrics", skip_for_health_probes=True)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("path", OTHERS)
async def test_nothing_else_is_open(module: AuthenticationModule, path: str) -> None:
    with pytest.raises(Unauthenticated):
        await visit(module, path, skip_for_health_probes=True, skip_for_metrics=True)


@pytest.mark.parametrize("module", MODULES)
async def test_credentials_are_judged_by_some_modules_and_ignored_by_others(
    module: AuthenticationModule,
) -> None:
    header = JUDGING.get(module, "authorization")
    asked = visit(module, "/readiness", (header, "Bearer bad"), skip_for_health_probes=True)

    if module in JUDGING:
        with pytest.raises(Unauthenticated):
            await asked
    else:
        assert (await asked).actions == {"info"}


def test_where_nobody_is_asked_nothing_is_put_in_front() -> None:
    module = Refusing()
    switches = {"skip_for_health_probes": True, "skip_for_metrics": True}
    noop = AuthenticationConfiguration.model_validate({"module": "noop", **switches})
    assert with_guests(module, noop) is module
    closed = AuthenticationConfiguration.model_validate({"module": "noop-with-token"})
    assert with_guests(module, closed) is module
