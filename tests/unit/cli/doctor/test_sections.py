"""What is said in vain, or at a risk."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.sections import check_sections
from tests.support.doctor import NO_USER_DATA, examined_configuration


def test_a_plain_configuration_says_nothing_in_vain(tmp_path: Path) -> None:
    (finding,) = check_sections(examined_configuration(tmp_path), {})
    assert finding.severity is Severity.OK


def test_a_section_that_is_not_served_is_named_with_its_place(tmp_path: Path) -> None:
    splunk = NO_USER_DATA + "splunk: {enabled: false}\n"
    (finding,) = check_sections(examined_configuration(tmp_path, splunk), {})
    assert (finding.severity, finding.where) == (Severity.WARNING, "splunk")
    assert finding.remedy


@pytest.mark.attack(17)
def test_a_risk_and_a_variable_in_vain_are_told(tmp_path: Path) -> None:
    configuration = examined_configuration(tmp_path)
    service = configuration.service.model_copy(update={"host": "0.0.0.0"})
    open_to_all = configuration.model_copy(update={"service": service})
    findings = list(check_sections(open_to_all, {"SENTRY_DSN": "https://secret@host/1"}))
    assert [finding.severity for finding in findings] == [Severity.WARNING] * 2
    assert "service.host 0.0.0.0" in findings[1].what
    assert "secret" not in str(findings)
