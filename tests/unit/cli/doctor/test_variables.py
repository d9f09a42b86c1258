"""Variables are named and never shown."""

from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.finding import Severity
from lightspeed_core.cli.doctor.variables import check_variables
from tests.support.doctor import run_config_of

SWITCHED = {
    "provider_id": "${env.SOME_KEY:+some}",
    "provider_type": "remote::openai_compatible",
    "module": "lightspeed_stack_providers.openai_compatible",
    "config": {"base_url": "${env.SOME_URL}", "api_key": "${env.SOME_KEY:=}"},
}


def found(tmp_path: Path, **environ: str) -> dict[str, Severity]:
    run_config = run_config_of(tmp_path, providers={"inference": [SWITCHED]})
    return {finding.what: finding.severity for finding in check_variables(run_config, environ)}


def test_a_variable_that_a_provider_needs_is_missed_only_when_it_is_on(tmp_path: Path) -> None:
    assert found(tmp_path) == {}
    told = found(tmp_path, SOME_KEY="secret-value")
    assert told == {
        "SOME_URL is not set, and run.yaml has no other value for it": Severity.FATAL,
        "SOME_KEY is set": Severity.OK,
    }


def test_a_variable_of_a_provider_that_is_off_is_told(tmp_path: Path) -> None:
    told = found(tmp_path, SOME_URL="http://x/v1")
    assert told["SOME_URL is set, and its provider ${env.SOME_KEY:+some} is off"] == (
        Severity.WARNING
    )


@pytest.mark.parametrize("value", ["secret-value\n", " secret-value", "'secret-value'"])
def test_a_value_that_is_oddly_written_is_told_and_not_shown(tmp_path: Path, value: str) -> None:
    told = found(tmp_path, SOME_KEY=value, SOME_URL="http://x/v1")
    (odd,) = [what for what, severity in told.items() if severity is Severity.WARNING]
    assert odd.startswith("SOME_KEY is set, with ")
    assert "secret-value" not in str(told)


def test_a_level_that_is_none_is_told() -> None:
    (finding,) = check_variables(None, {"LIGHTSPEED_STACK_LOG_LEVEL": "LOUD"})
    assert finding.severity is Severity.WARNING
    assert list(check_variables(None, {"LIGHTSPEED_STACK_LOG_LEVEL": "debug"})) == []
