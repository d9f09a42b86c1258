"""Certificates of outgoing connections: whom to believe, and what to show. It opens none."""

import ssl
from pathlib import Path


class BadTlsFiles(ValueError):
    """A file of certificates cannot be used; the text names it and says why."""


def client_context(
    *,
    authorities: Path | None = None,
    is_alone: bool = False,
    certificate: Path | None = None,
    key: Path | None = None,
    password: str = "",
) -> ssl.SSLContext:
    """Build the TLS settings of a client that checks certificates and names.

    `authorities` is a PEM file, trusted besides the system's authorities, or alone. `certificate`
    and `key` are shown to servers that ask; without `key` the first file holds both.

    Raises `BadTlsFiles`.
    """
    try:
        context = ssl.create_default_context(cafile=authorities if is_alone else None)
        if authorities is not None and not is_alone:
            context.load_verify_locations(authorities)
    except OSError as exc:
        raise BadTlsFiles(f"{authorities} holds no PEM certificates: {_reason(exc)}") from exc
    if certificate is not None:
        _show(context, certificate, key, password)
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None, password: str) -> None:
    try:
        # An empty password is given, for without one OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password)
    except (OSError, ValueError) as exc:
        raise BadTlsFiles(
            f"{certificate} and {key or 'its key'} cannot be used: {_reason(exc)}"
        ) from exc


def _reason(exc: Exception) -> str:
    text = exc.strerror if isinstance(exc, OSError) else None
    return text or str(exc)
