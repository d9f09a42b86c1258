"""Which servers are believed, and by what this service shows who it is."""

import ssl

from lightspeed_core.errors import ConfigurationError
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_stack_providers.tls import BadTlsFiles, client_context


def context_of(settings: OutboundSettings) -> ssl.SSLContext:
    """Load the files; raises `ConfigurationError` which names the one that cannot be used.

    The system's authorities are those of `SSL_CERT_FILE` where it is set.
    """
    try:
        return client_context(
            authorities=settings.ca_bundle,
            certificate=settings.client_certificate,
            key=settings.client_key,
            password=settings.client_key_password,
        )
    except BadTlsFiles as exc:
        raise ConfigurationError(f"outbound: {exc}") from exc
