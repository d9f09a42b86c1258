"""Certificates of outgoing connections are judged by their dates."""

from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.outbound import check_outbound
from lightspeed_core.config.outbound import OutboundConfiguration
from tests.support.tls_endpoint import write_certificate


@pytest.mark.requirement("network.doctor")
@pytest.mark.parametrize(
    ("valid_from", "valid_for", "severity", "told"),
    [
        (-1, 365, Severity.OK, "valid until"),
        (-1, 10, Severity.WARNING, "expires on"),
        (-20, 10, Severity.FATAL, "has expired on"),
        (5, 100, Severity.WARNING, "is not valid before"),
    ],
)
def test_a_certificate_that_is_shown_is_judged_by_its_dates(
    tmp_path: Path, valid_from: int, valid_for: int, severity: Severity, told: str
) -> None:
    certificate = write_certificate(
        tmp_path, begins=timedelta(days=valid_from), lasts=timedelta(days=valid_for)
    )

    (finding,) = check_outbound(OutboundConfiguration(client_certificate=certificate))

    assert (finding.severity, finding.where) == (severity, "outbound.client_certificate")
    assert told in finding.what


def test_each_old_authority_of_a_bundle_is_named(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    new = write_certificate(tmp_path / "new", lasts=timedelta(days=365))
    old = write_certificate(tmp_path / "old", begins=timedelta(days=-9), lasts=timedelta(days=5))
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(new.read_bytes() + old.read_bytes())

    expired, counted = check_outbound(OutboundConfiguration(ca_bundle=bundle))

    assert expired.severity is Severity.WARNING
    assert "CN=127.0.0.1" in expired.what
    assert "has expired on" in expired.what
    assert (counted.severity, counted.where) == (Severity.OK, "outbound.ca_bundle")
    assert "2 certificate authorities" in counted.what


def test_without_files_there_is_nothing_to_check() -> None:
    assert list(check_outbound(OutboundConfiguration())) == []
