"""From the configuration to an authentication module and an authorizer."""

from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.authorizer import Authorizer, OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.authentication import (
    AuthenticationConfiguration,
    AuthenticationModule,
)
from lightspeed_core.errors import ConfigurationError

_SERVED = (AuthenticationModule.NOOP,)


def authenticator_of(configuration: AuthenticationConfiguration) -> Authenticator:
    """Build the configured module; raises `ConfigurationError` for one that is not served."""
    match configuration.module:
        case AuthenticationModule.NOOP:
            return NoopAuthenticator()
        case module:
            raise _not_served(module)


def authorizer_of(configuration: AuthenticationConfiguration) -> Authorizer:
    """Build what decides over actions; raises as `authenticator_of` does."""
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
