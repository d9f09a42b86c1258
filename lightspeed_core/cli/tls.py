"""Certificate and key of the listener, as a server loads them."""

import ssl

from lightspeed_core.config.service import TLSConfiguration
from lightspeed_core.errors import ConfigurationError


def read_password(tls: TLSConfiguration) -> str:
    """Return the password of the key; empty without one, for else it would be asked for."""
    file = tls.tls_key_password
    return file.read_text(encoding="utf-8").strip() if file else ""


def load_certificate(tls: TLSConfiguration) -> ssl.SSLContext:
    """Return what a server needs; raises `ConfigurationError` when the files do not serve."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = tls.tls_certificate_path
    if certificate is None:
        raise ConfigurationError("service.tls_config: tls_certificate_path is not set")
    try:
        context.load_cert_chain(certificate, tls.tls_key_path, read_password(tls))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"service.tls_config: {certificate} and its key cannot be used: {error}"
        ) from error
    return context
