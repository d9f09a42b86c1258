"""What callers may do with saved prompts."""

import pytest

from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.errors import Forbidden, InvalidRequest
from lightspeed_core.prompts.memory import MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from tests.support.assistants import caller

LIMITS = SavedPromptsConfiguration(
    max_prompts_per_user=2, max_display_name_length=8, max_content_length=12
)


@pytest.fixture
def prompts() -> SavedPrompts:
    return SavedPrompts(MemorySavedPrompts(), LIMITS)


async def test_a_name_is_trimmed_and_a_content_kept_as_it_is(prompts: SavedPrompts) -> None:
    saved = await prompts.add(caller("ann"), " \t12345678\n", "  12345678  ")

    assert (saved.name, saved.content) == ("12345678", "  12345678  ")


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("", "x", "Saved prompt name must not be empty"),
        (" \u2003\n", "x", "Saved prompt name must not be empty"),
        ("123456789", "x", "Saved prompt name length 9 exceeds maximum 8"),
        ("x", "", "Saved prompt content must not be empty"),
        ("x", "1234567890 \u00e4\U0001f680", "Saved prompt content length 13 exceeds maximum 12"),
    ],
)
async def test_a_text_that_is_empty_or_too_long_is_refused(
    prompts: SavedPrompts, name: str, content: str, cause: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await prompts.add(caller("ann"), name, content)

    assert (refusal.value.message, refusal.value.cause) == ("Invalid attribute value", cause)
    assert await prompts.list(caller("ann")) == []


async def test_the_configured_number_of_prompts_may_be_saved(prompts: SavedPrompts) -> None:
    for name in "ab":
        await prompts.add(caller("ann"), name, "x")

    with pytest.raises(InvalidRequest, match="2 existing prompts, maximum is 2"):
        await prompts.add(caller("ann"), "c", "x")


async def test_no_more_than_200_prompts_are_listed() -> None:
    store = MemorySavedPrompts()
    for number in range(203):
        await store.add("ann", f"prompt {number}", "x", most=1000)

    listed = await SavedPrompts(store, LIMITS).list(caller("ann"))

    assert [prompt.name for prompt in listed] == [f"prompt {n}" for n in range(202, 2, -1)]


async def test_the_prompt_of_another_is_not_deleted(prompts: SavedPrompts) -> None:
    saved = await prompts.add(caller("ann"), "a", "x")

    with pytest.raises(Forbidden) as refusal:
        await prompts.delete(caller("ben"), saved.prompt_id)

    assert refusal.value.message == "User does not have permission to perform this action"
    assert refusal.value.cause == (
        f"User ben does not have permission to delete saved prompt with ID {saved.prompt_id}"
    )
    assert await prompts.list(caller("ann")) == [saved]
