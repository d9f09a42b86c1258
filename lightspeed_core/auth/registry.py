"""From the configuration to an authentication module and an authorizer."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.authorizer import Authorizer, OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.errors import ConfigurationError

_SERVED = (AuthenticationModule.NOOP,)


@asynccontextmanager
async def open_authenticator(
    configuration: AuthenticationConfiguration,
) -> AsyncGenerator[Authenticator]:
    """Hold the configured module open, with whatever connections it has.

    Raises `ConfigurationError` for a module that is not served.
    """
    # Each case imports what its module alone needs.
    match configuration.module:
        case AuthenticationModule.NOOP:
            yield NoopAuthenticator()
        case module:
            raise _not_served(module)


def authorizer_of(configuration: AuthenticationConfiguration) -> Authorizer:
    """Build what decides over actions; raises as `open_authenticator` does."""
    match configuration.module:
        case AuthenticationModule.NOOP:
            return OpenAuthorizer()
        case module:
            raise _not_served(module)


def _not_served(module: AuthenticationModule) -> ConfigurationError:
    return ConfigurationError(
        f"authentication.module: '{module}' is not served by this version; "
        f"served: {', '.join(_SERVED)}"
    )
