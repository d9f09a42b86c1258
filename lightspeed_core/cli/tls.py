"""The listener's side of TLS: certificate and key, versions and ciphers, certificates of clients.

The lists of ciphers are those of Mozilla's server side TLS guidelines, version 5.7
(https://ssl-config.mozilla.org/guidelines/5.7.json), from which OpenShift's profiles are made.
"""

import ssl
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from lightspeed_core.config.tls import TLSConfiguration, TLSProfile
from lightspeed_core.errors import ConfigurationError

_INTERMEDIATE: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
)
# Below its level 1, OpenSSL allows SHA-1 in signatures, without which there is no TLS 1.0 and 1.1.
_OLD: Final = (
    f"{_INTERMEDIATE}:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:"
    "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:"
    "DES-CBC3-SHA:@SECLEVEL=0"
)

type ContextFactory = Callable[[Any, Any], ssl.SSLContext]


def context_factory(tls: TLSConfiguration) -> ContextFactory:
    """Return what a server process builds its context with; it can be sent to that process."""
    return partial(_context_of, tls)


def _context_of(tls: TLSConfiguration, _settings: object, _default: object) -> ssl.SSLContext:
    return load_certificate(tls)


def load_certificate(tls: TLSConfiguration) -> ssl.SSLContext:
    """Return what a server needs; raises `ConfigurationError` when the files do not serve."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _restrict(context, tls)
    certificate = tls.tls_certificate_path
    if certificate is None:
        raise ConfigurationError("service.tls_config: tls_certificate_path is not set")
    try:
        context.load_cert_chain(certificate, tls.tls_key_path, read_password(tls))
    except (OSError, ValueError) as error:
        key = tls.tls_key_path or certificate
        raise ConfigurationError(
            f"service.tls_config: certificate {certificate} and key {key} cannot be used: {error}"
            f"{_told_of_password(tls)}"
        ) from error
    _ask_clients(context, tls)
    return context


def read_password(tls: TLSConfiguration) -> str:
    """Return the password of the key; empty without one, for else it would be asked for.

    Raises:
        OSError, ValueError: It is in a file that cannot be read.
    """
    if tls.tls_key_password is None:
        return ""
    told = tls.tls_key_password.get_secret_value()
    file = Path(told)
    return file.read_text(encoding="utf-8").strip() if file.is_file() else told


def _told_of_password(tls: TLSConfiguration) -> str:
    password = tls.tls_key_password
    if password is None or Path(password.get_secret_value()).is_file():
        return ""
    return "; tls_key_password names no file, and was taken for the password itself"


def _restrict(context: ssl.SSLContext, tls: TLSConfiguration) -> None:
    with warnings.catch_warnings():
        # Whoever configures an old version knows that it is one.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _version(tls)
    ciphers = _ciphers(tls)
    if not ciphers:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"service.tls_config.ciphers: OpenSSL knows none of {ciphers}"
        ) from error


def _version(tls: TLSConfiguration) -> ssl.TLSVersion:
    return ssl.TLSVersion[tls.least_version.replace(".", "_")]


def _ciphers(tls: TLSConfiguration) -> str:
    match tls.profile:
        case TLSProfile.CUSTOM:
            # The suites of TLS 1.3 are always offered, and none of them is weak.
            return ":".join(name for name in tls.ciphers if not name.startswith("TLS_"))
        case TLSProfile.OLD:
            return _OLD
        case TLSProfile.INTERMEDIATE | TLSProfile.MODERN:
            return _INTERMEDIATE


def _ask_clients(context: ssl.SSLContext, tls: TLSConfiguration) -> None:
    if tls.client_ca_path is None:
        return
    try:
        context.load_verify_locations(tls.client_ca_path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"service.tls_config.client_ca_path: {tls.client_ca_path} cannot be used: {error}"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED
