from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.shields.answer import Event, guard_answer
from lightspeed_core.assistant.shields.shield import Block, Pass, Rewrite
from lightspeed_core.config.safety import FailureMode
from lightspeed_core.domain.events import (
    CitationVerified,
    ModelAccepted,
    ModelFinished,
    Refused,
    TextDelta,
    ToolCallStarted,
    Warned,
)
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.retrieval import Citation
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.errors import EngineFailed
from tests.support.shields import PlannedShield, blocking, checks_of, replacing

FINISHED = ModelFinished(TokenUsage(input_tokens=1, output_tokens=2), "stop")
CALL = ToolCallStarted(ToolCall(id="c", name="t", arguments={}))


def cited(marker: str) -> CitationVerified:
    return CitationVerified(
        Citation(
            marker=marker,
            document_id="d",
            source=None,
            title=None,
            url=None,
            content_hash=None,
            start=None,
            end=None,
            quote="q",
        )
    )


async def played(*steps: Event | str | Exception) -> AsyncGenerator[Event]:
    for step in steps:
        if isinstance(step, Exception):
            raise step
        yield TextDelta((step,)) if isinstance(step, str) else step


async def guarded(
    shields: Sequence[PlannedShield], *steps: Event | str | Exception, **settings: Any
) -> list[Event]:
    small: dict[str, Any] = {"window_sentences": 1, "shortest_window": 1}
    checks = checks_of(**(small | settings))
    return [event async for event in guard_answer(played(*steps), shields, checks)]


def text_of(events: Sequence[Event]) -> str:
    said: list[str] = []
    for event in events:
        match event:
            case TextDelta(tokens):
                said.extend(tokens)
            case Refused(_, text):
                said.append(text)
            case _:
                pass
    return "".join(said)


def test_without_shields_over_answers_there_is_no_stage() -> None:
    events = played("a")
    shields = [blocking("input_words", "x"), replacing("plain", "x", "y")]
    assert guard_answer(events, shields, checks_of()) is events


@pytest.mark.requirement("shield.window")
async def test_a_hit_in_mid_stream_leaves_what_was_released_and_ends_the_answer() -> None:
    shield = blocking("output_words", "bomb", text="Stopped.")
    steps = ("It is fine. ", "It is a bo", "mb. ", "More. ", FINISHED)

    events = await guarded([shield], *steps)

    assert events == [TextDelta(("It is fine. ",)), Refused("output_words", "Stopped.")]


@pytest.mark.attack(53)
@pytest.mark.parametrize("at", range(1, 4))
async def test_a_word_that_is_split_over_tokens_never_leaves(at: int) -> None:
    events = await guarded(
        [blocking("output_w", "bomb")], "A " + "bomb"[:at], "bomb"[at:], FINISHED
    )
    assert text_of(events) == "No."


@pytest.mark.attack(53)
async def test_a_phrase_that_is_split_over_windows_is_seen_whole() -> None:
    shield = blocking("output_w", "now. Drop it")

    events = await guarded([shield], "Do it now. ", "Drop it. ", "Done. ", FINISHED)

    assert text_of(events) == "Do it now. No."


@pytest.mark.attack(53)
async def test_a_word_that_is_split_over_two_model_calls_is_seen_whole() -> None:
    events = await guarded([blocking("output_w", "bomb")], "a bo", FINISHED, CALL, "mb", FINISHED)
    assert text_of(events) == "a boNo."


@given(st.lists(st.text(alphabet="abc. ", max_size=5), max_size=12), st.integers(1, 3))
async def test_what_leaves_was_checked_together_with_what_left_before_it(
    tokens: list[str], sentences: int
) -> None:
    shield = PlannedShield("output_all", lambda _: Pass())

    events = await guarded([shield], *tokens, FINISHED, window_sentences=sentences)

    assert text_of(events) == "".join(tokens)
    assert "".join(tokens) == "" or shield.seen[-1] == "".join(tokens)


async def test_all_that_check_are_asked_and_what_is_no_text_passes_at_once() -> None:
    first, second = (PlannedShield(f"output_{n}", lambda _: Pass()) for n in "ab")

    events = await guarded([first, second], ModelAccepted(), "Yes", FINISHED, CALL, "No", FINISHED)

    assert events == [
        ModelAccepted(),
        TextDelta(("Yes",)),
        FINISHED,
        CALL,
        TextDelta(("No",)),
        FINISHED,
    ]
    assert first.seen == second.seen == ["Yes", "YesNo"]


async def test_what_a_finished_call_used_is_counted_where_its_end_is_refused() -> None:
    events = await guarded([blocking("inout_w", "bomb")], "a bomb", FINISHED)
    assert events == [FINISHED, Refused("inout_w", "No.")]


async def test_what_a_model_said_before_it_broke_is_checked_and_kept() -> None:
    shield = blocking("output_w", "bomb")
    checks = checks_of(window_sentences=1, shortest_window=1)
    answer = guard_answer(played("half", EngineFailed("cut")), [shield], checks)
    assert await anext(answer) == TextDelta(("half",))
    with pytest.raises(EngineFailed):
        await anext(answer)

    assert await guarded([shield], "a bomb", EngineFailed("cut")) == [Refused("output_w", "No.")]


@pytest.mark.attack(52)
async def test_an_answer_that_cannot_be_checked_is_refused_or_passes_with_one_warning() -> None:
    broken = PlannedShield("output_b", lambda _: 1 / 0)

    closed = await guarded([broken], "One. ", "Two. ", FINISHED, failure_response="Unchecked.")
    opened = await guarded([broken], "One. ", "Two. ", FINISHED, on_answer_failure=FailureMode.OPEN)

    assert text_of(closed) == "Unchecked."
    assert isinstance(closed[0], Warned)
    assert closed[0].warning.code == "shield_failed"
    assert text_of(opened) == "One. Two. "
    assert sum(isinstance(event, Warned) for event in opened) == 1


@pytest.mark.requirement("shield.rewrite-answer")
async def test_an_answer_is_rewritten_and_told_so_once() -> None:
    shield = replacing("output_r", r"\d{4}", "[PIN]")

    events = await guarded([shield], "It is 12", "34. ", "Or 99", "99.", FINISHED)

    assert text_of(events) == "It is [PIN]. Or [PIN]."
    assert [event.warning.code for event in events if isinstance(event, Warned)] == [
        "answer_rewritten"
    ]


@given(st.integers(0, 78), st.integers(0, 19), st.sampled_from(["", " ", ". "]))
async def test_what_is_split_over_windows_is_rewritten_as_a_whole(
    before: int, at: int, then: str
) -> None:
    number = "4111 1111 1111 1111"
    shield = replacing("output_r", number, "#")
    lead = "a" * before + then

    events = await guarded(
        [shield],
        lead + number[:at],
        number[at:] + " ok",
        FINISHED,
        shortest_window=80,
        window_characters=80,
    )

    assert text_of(events) == f"{lead}# ok"


async def test_a_rewritten_window_keeps_the_citations_whose_markers_it_has() -> None:
    shield = replacing("output_r", r"secret \[2\]", "-")

    events = await guarded(
        [shield], "Port 80 [1]", cited("[1]"), " secret [2]", cited("[2]"), FINISHED
    )

    assert text_of(events) == "Port 80 [1] -"
    assert [event for event in events if isinstance(event, CitationVerified)] == [cited("[1]")]


async def test_what_checks_sees_what_was_rewritten_before_it() -> None:
    checking = blocking("inout_c", "bomb")

    events = await guarded([checking, replacing("inout_r", "bomb", "cake")], "A bomb.", FINISHED)

    assert text_of(events) == "A cake."
    assert checking.seen == ["A cake."]


async def test_a_rewriting_shield_may_end_an_answer_too() -> None:
    shield = PlannedShield(
        "output_r",
        lambda text: Block("Stop.") if "bomb" in text else Rewrite(text.upper()),
        may_rewrite=True,
    )

    events = await guarded([shield, blocking("output_c", "never")], "ok. ", "a bomb. ", "x")

    assert text_of(events) == "OK. Stop."
