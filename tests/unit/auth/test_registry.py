"""From the configuration to a module."""

import pytest

from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.auth.registry import authenticator_of, authorizer_of
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.errors import ConfigurationError


def test_noop_is_the_module_that_is_served_by_default() -> None:
    configuration = AuthenticationConfiguration()
    assert isinstance(authenticator_of(configuration), NoopAuthenticator)
    assert isinstance(authorizer_of(configuration), OpenAuthorizer)


@pytest.mark.parametrize(
    "module", [module for module in AuthenticationModule if module is not AuthenticationModule.NOOP]
)
def test_a_module_that_is_not_served_is_refused_and_the_served_ones_are_named(
    module: AuthenticationModule,
) -> None:
    configuration = AuthenticationConfiguration.model_construct(module=module)
    for build in (authenticator_of, authorizer_of):
        with pytest.raises(ConfigurationError) as caught:
            build(configuration)
        assert caught.value.cause == (
            f"authentication.module: '{module}' is not served by this version; served: noop"
        )
