import pytest

from lightspeed_stack_providers.question_validity.prompt import (
    DEFAULT_PROMPT,
    is_allowed,
    write_prompt,
)


@pytest.mark.requirement("validity.prompt")
def test_the_variables_are_filled_in_and_nothing_of_the_message_is() -> None:
    prompt = write_prompt("$5: ${message} (${allowed}|${rejected})", "Costs ${allowed}?")
    assert prompt == "$5: Costs ${allowed}? (ALLOWED|REJECTED)"
    assert "Why?" in write_prompt(DEFAULT_PROMPT, "Why?")


@pytest.mark.requirement("validity.answer")
@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        ("ALLOWED", True),
        ("  ALLOWED\n", True),
        ("allowed", False),
        ("ALLOWED.", False),
        ("NOT ALLOWED", False),
        ("REJECTED", False),
        ("", False),
    ],
)
def test_only_the_word_itself_allows(answer: str, allowed: bool) -> None:
    assert is_allowed(answer) is allowed
