from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.shields.placeholders import Restorer, keep_whole
from lightspeed_core.domain.events import (
    ModelAccepted,
    ModelEvent,
    TextDelta,
    TurnCompleted,
    TurnEvent,
    Warned,
)
from lightspeed_core.domain.turn import TurnWarning
from tests.support.databases import a_turn

VALUES = {"[EMAIL_1]": "ada@example.org", "[EMAIL_12]": "bob@example.org"}


async def played(tokens: Sequence[str]) -> AsyncGenerator[TurnEvent | ModelEvent]:
    yield ModelAccepted()
    for token in tokens:
        yield TextDelta((token,))


async def tokens_of(tokens: Sequence[str]) -> list[str]:
    return [
        token
        async for event in keep_whole(played(tokens), VALUES)
        if isinstance(event, TextDelta)
        for token in event.tokens
    ]


async def test_a_placeholder_that_is_spread_over_tokens_becomes_one() -> None:
    assert await tokens_of(["Mail [EM", "AIL", "_1] ", "or [", "x]"]) == [
        "Mail ",
        "[EMAIL_1] ",
        "or ",
        "[x]",
    ]


@given(st.lists(st.sampled_from(["[", "EMAIL", "_1", "2", "]", " a ", "[EMAIL_12]", "b"])))
async def test_tokens_restored_one_by_one_are_the_text_restored(tokens: list[str]) -> None:
    shown = Restorer(VALUES)

    kept = await tokens_of(tokens)

    assert "".join(kept) == "".join(tokens)
    assert "".join(map(shown.text, kept)) == shown.text("".join(tokens))


async def test_the_user_is_shown_the_values_in_text_and_end() -> None:
    shown = Restorer(VALUES)
    turn = replace(a_turn(), text="To [EMAIL_12].")
    warned = Warned(TurnWarning(code="c", message="[EMAIL_1]"))

    assert shown.event(TextDelta(("[EMAIL_1]",))) == TextDelta(("ada@example.org",))
    end = shown.event(TurnCompleted(turn))
    assert isinstance(end, TurnCompleted)
    assert end.turn.text == "To bob@example.org."
    assert shown.event(warned) is warned
    assert Restorer().turn(turn) is turn
