from datetime import UTC, datetime

import pytest

from lightspeed_core.assistant.prompts import resolve_system_prompt, write_date, write_prompt
from lightspeed_core.config.prompt_template import compile_prompt


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (datetime(2026, 8, 21, tzinfo=UTC), "August 21, 2026"),
        (datetime(2027, 1, 2, tzinfo=UTC), "January 2, 2027"),
        (datetime(2027, 12, 31, tzinfo=UTC), "December 31, 2027"),
    ],
)
def test_a_date_is_written_in_english(day: datetime, written: str) -> None:
    assert write_date(day) == written


@pytest.mark.requirement("prompt.variables")
def test_the_date_of_a_prompt_is_today() -> None:
    before = write_date(datetime.now(UTC))
    written = write_prompt(compile_prompt("{{ date }}"))
    assert written in {before, write_date(datetime.now(UTC))}


@pytest.mark.requirement("prompt.request-literal")
def test_a_prompt_of_a_request_is_no_template() -> None:
    prompt = resolve_system_prompt(
        "{{ date }} {{ ''.__class__ }}",
        compile_prompt("{{ date }}"),
        may_choose=True,
        variables={"os": "RHEL"},
    )
    assert prompt == "{{ date }} {{ ''.__class__ }}"


def test_a_configured_prompt_gets_what_the_request_tells() -> None:
    prompt = resolve_system_prompt(
        None, compile_prompt("On {{ os }}."), may_choose=False, variables={"os": "RHEL"}
    )
    assert prompt == "On RHEL."
