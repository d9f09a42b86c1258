"""Checks the certificate of the listener by handing it to a client in memory."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.cli.tls import load_certificate
from lightspeed_core.config.tls import TLSConfiguration
from lightspeed_core.errors import ConfigurationError

SOON_DAYS: Final = 30
_PLACE: Final = "service.tls_config"
_MESSAGES: Final = 10
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.
_OUT_OF_DATE: Final = {9: "is not valid yet", 10: "has expired"}
_RENEW: Final = "have the certificate renewed, and name the new files"


def check_certificate(tls: TLSConfiguration) -> Iterator[Finding]:
    """Check that key and certificate belong together, and until when they are valid."""
    if tls.tls_certificate_path is None:
        return
    try:
        server = load_certificate(tls)
    except ConfigurationError as error:
        yield fatal(error.cause, where=_PLACE, remedy="name a PEM certificate and its key")
        return
    certificate = str(tls.tls_certificate_path)
    try:
        yield _judge(certificate, _valid_until(server, certificate))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OUT_OF_DATE:
            told = f"{certificate} {_OUT_OF_DATE[error.verify_code]}"
            yield fatal(told, where=_PLACE, remedy=_RENEW)
        else:
            told = f"{certificate} cannot be verified: {error.verify_message}"
            yield warning(told, where=_PLACE, remedy="let clients verify it before it is used")


def _judge(certificate: str, valid_until: datetime) -> Finding:
    days = (valid_until - datetime.now(UTC)).days
    told = f"{certificate} and its key fit, and are valid until {valid_until:%Y-%m-%d}"
    if days < SOON_DAYS:
        return warning(f"{told}, which is in {days} days", where=_PLACE, remedy=_RENEW)
    return fine(told, where=_PLACE)


def _valid_until(server: ssl.SSLContext, certificate: str) -> datetime:
    """Let a client that trusts this certificate alone say until when it does."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    # This client has no certificate of its own, also where clients need one.
    server.verify_mode = ssl.CERT_NONE
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for number in range(_MESSAGES):
        try:
            ends[number % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = ends[0].getpeercert() or {}
    seconds = ssl.cert_time_to_seconds(str(shown["notAfter"]))
    return datetime.fromtimestamp(seconds, UTC)
