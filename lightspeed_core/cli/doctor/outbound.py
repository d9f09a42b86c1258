"""Checks until when the certificates of section `outbound` are valid.

That the files can be used was checked when the configuration was read.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from lightspeed_core.cli.doctor.certificate import SOON_DAYS
from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.config.outbound import OutboundConfiguration

_RENEW: Final = "have it renewed, and name the new file"


def check_outbound(outbound: OutboundConfiguration) -> Iterator[Finding]:
    """Judge the dates of the authorities and of the client's certificate."""
    if outbound.ca_bundle is not None:
        yield from _check_authorities(outbound.ca_bundle)
    if outbound.client_certificate is not None:
        yield _check_client(outbound.client_certificate)


def _check_authorities(bundle: Path) -> Iterator[Finding]:
    where = "outbound.ca_bundle"
    authorities = x509.load_pem_x509_certificates(bundle.read_bytes())
    for authority in authorities:
        if problem := _describe(authority):
            name = authority.subject.rfc4514_string()
            yield warning(f"the authority {name} in {bundle} {problem}", where=where, remedy=_RENEW)
    yield fine(f"{bundle} holds {len(authorities)} certificate authorities", where=where)


def _check_client(file: Path) -> Finding:
    where = "outbound.client_certificate"
    # The first one is the certificate; others lead to its authority.
    certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
    if problem := _describe(certificate):
        judge = warning if certificate.not_valid_after_utc > datetime.now(UTC) else fatal
        return judge(f"{file} {problem}", where=where, remedy=_RENEW)
    until = certificate.not_valid_after_utc
    return fine(f"{file} and its key fit, and are valid until {until:%Y-%m-%d}", where=where)


def _describe(certificate: x509.Certificate) -> str | None:
    now, until = datetime.now(UTC), certificate.not_valid_after_utc
    if certificate.not_valid_before_utc > now:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if until <= now:
        return f"has expired on {until:%Y-%m-%d}"
    days = (until - now).days
    return f"expires on {until:%Y-%m-%d}, which is in {days} days" if days < SOON_DAYS else None
