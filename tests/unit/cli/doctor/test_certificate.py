"""Certificates are checked by a handshake in memory."""

from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.certificate import check_certificate
from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.config.tls import TLSConfiguration
from tests.support.tls_endpoint import write_certificate


@pytest.mark.parametrize(
    ("valid_from", "valid_for", "severity", "told"),
    [
        (-1, 365, Severity.OK, "valid until"),
        (-1, 10, Severity.WARNING, "which is in "),
        (-20, 10, Severity.FATAL, "has expired"),
        (5, 10, Severity.FATAL, "is not valid yet"),
    ],
)
def test_a_certificate_is_judged_by_its_dates(
    tmp_path: Path, valid_from: int, valid_for: int, severity: Severity, told: str
) -> None:
    certificate = write_certificate(
        tmp_path, begins=timedelta(days=valid_from), lasts=timedelta(days=valid_for)
    )

    (finding,) = check_certificate(TLSConfiguration(tls_certificate_path=certificate))

    assert (finding.severity, finding.where) == (severity, "service.tls_config")
    assert told in finding.what


def test_a_key_of_another_certificate_is_fatal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (write_certificate(tmp_path / name) for name in ("one", "two"))

    (finding,) = check_certificate(TLSConfiguration(tls_certificate_path=one, tls_key_path=two))

    assert finding.severity is Severity.FATAL
    assert "cannot be used" in finding.what


def test_without_https_there_is_nothing_to_check() -> None:
    assert list(check_certificate(TLSConfiguration())) == []
