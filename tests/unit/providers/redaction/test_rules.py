import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lightspeed_stack_providers.redaction.config import RedactionConfig
from lightspeed_stack_providers.redaction.rules import Redactor

CARD = "4111 1111 1111 1111"


def redactor(**config: object) -> Redactor:
    return Redactor(RedactionConfig.model_validate(config))


@pytest.mark.requirement("redaction.rules")
def test_rules_replace_in_their_order_and_know_groups() -> None:
    rules = [
        {"pattern": r"host-(\d+)", "replacement": r"HOST \1"},
        {"pattern": "HOST", "replacement": "node", "case_sensitive": True},
        {"pattern": "secret", "replacement": ""},
    ]
    redacted = redactor(rules=rules).redact("A Secret on HOST-7 of host-12")
    assert redacted.text == "A  on node 7 of node 12"
    assert redacted.restore == {}


@pytest.mark.requirement("redaction.rules")
@pytest.mark.parametrize(("is_sensitive", "text"), [(True, "Ada #"), (False, "# #")])
def test_case_is_told_apart_where_it_is_set(is_sensitive: bool, text: str) -> None:
    rules = [{"pattern": "ada", "replacement": "#"}]
    assert redactor(rules=rules, case_sensitive=is_sensitive).redact("Ada ada").text == text


@pytest.mark.requirement("redaction.detect")
def test_detected_values_are_named_by_their_kind() -> None:
    shield = redactor(detect=["credit_card", "email"])
    assert shield.redact(f"{CARD} of a@b.org").text == "[CREDIT_CARD] of [EMAIL]"


@pytest.mark.requirement("redaction.reversible")
def test_a_value_has_one_placeholder_and_others_have_others() -> None:
    shield = redactor(
        detect=["email"],
        rules=[{"pattern": r"\d+", "replacement": "[NUMBER]"}],
        reversible=True,
    )

    redacted = shield.redact("a@b.org, 77, c@d.org, a@b.org")

    first, number, second, again = redacted.text.split(", ")
    assert re.fullmatch(r"\[EMAIL_[0-9a-f]{8}\]", first)
    assert re.fullmatch(r"\[NUMBER_[0-9a-f]{8}\]", number)
    assert first == again != second
    assert redacted.restore == {first: "a@b.org", second: "c@d.org", number: "77"}
    assert shield.redact("a@b.org").text == first
    assert redactor(detect=["email"], reversible=True).redact("a@b.org").text != first


@given(st.text(alphabet="ab@.org 0123456789", max_size=60))
def test_what_is_reversible_can_be_put_back(text: str) -> None:
    shield = redactor(
        detect=["email", "credit_card"],
        rules=[{"pattern": r"\d+|a", "replacement": "x"}],
        reversible=True,
    )
    redacted = shield.redact(text)
    restored = redacted.text
    for placeholder, value in redacted.restore.items():
        restored = restored.replace(placeholder, value)
    assert restored == text


@pytest.mark.requirement("redaction.time")
def test_a_pattern_that_explodes_is_stopped() -> None:
    shield = redactor(rules=[{"pattern": r"(a|a)*$", "replacement": "x"}], seconds=0.05)
    with pytest.raises(TimeoutError):
        shield.redact("a" * 60 + "b")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"pattern": "(", "replacement": ""}, "Invalid regex pattern: (: "),
        ({"pattern": "a", "replacement": r"\2"}, r"Invalid replacement: \2: "),
        ({"pattern": "a", "replacement": r"\g<x>"}, r"Invalid replacement: \g<x>: "),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(rule: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RedactionConfig.model_validate({"rules": [rule]})
    assert problem in str(caught.value)
