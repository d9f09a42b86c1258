"""From the configuration to a module."""

import pytest

from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.auth.registry import authorizer_of, open_authenticator
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.errors import ConfigurationError


async def test_noop_is_the_module_that_is_served_by_default() -> None:
    configuration = AuthenticationConfiguration()
    async with open_authenticator(configuration) as authenticator:
        assert isinstance(authenticator, NoopAuthenticator)
    assert isinstance(authorizer_of(configuration), OpenAuthorizer)


@pytest.mark.parametrize(
    "module", [module for module in AuthenticationModule if module is not AuthenticationModule.NOOP]
)
async def test_a_module_that_is_not_served_is_refused_and_the_served_ones_are_named(
    module: AuthenticationModule,
) -> None:
    configuration = AuthenticationConfiguration.model_construct(module=module)
    cause = f"authentication.module: '{module}' is not served by this version; served: noop"
    with pytest.raises(ConfigurationError, match=cause):
        async with open_authenticator(configuration):
            pass
    with pytest.raises(ConfigurationError, match=cause):
        authorizer_of(configuration)
