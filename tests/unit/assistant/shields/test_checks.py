import asyncio
import logging

import pytest

from lightspeed_core.assistant.shields.shield import (
    DEFAULT_FAILURE_RESPONSE,
    Block,
    Direction,
    Pass,
    Rewrite,
    Verdict,
    guards,
)
from lightspeed_core.config.safety import FailureMode
from lightspeed_core.errors import NotFound
from tests.support.shields import CountedChecks, PlannedShield, blocking, checks_of

CLOSED = Block(DEFAULT_FAILURE_RESPONSE)


def raises(error: Exception) -> PlannedShield:
    def judge(_: str) -> Verdict:
        raise error

    return PlannedShield("broken", judge)


FAULTY = [
    pytest.param(raises(ValueError("secret words")), id="raises"),
    pytest.param(raises(NotFound("model", "guard")), id="model-missing"),
    pytest.param(raises(TimeoutError()), id="times-out"),
    pytest.param(PlannedShield("broken", lambda _: Pass(), gate=asyncio.Event()), id="hangs"),
    pytest.param(PlannedShield("broken", lambda _: None), id="none"),
    pytest.param(PlannedShield("broken", lambda _: "safe"), id="text"),
    pytest.param(PlannedShield("broken", lambda _: Block(7)), id="number"),  # type: ignore[arg-type]
    pytest.param(PlannedShield("broken", lambda _: Rewrite("x")), id="rewrites-unasked"),
]


@pytest.mark.attack(52)
@pytest.mark.requirement("shield.failure")
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("shield", FAULTY[:-1])
async def test_a_shield_without_a_verdict_refuses_unless_set_otherwise(
    shield: PlannedShield, direction: Direction, caplog: pytest.LogCaptureFixture
) -> None:
    counted = CountedChecks()
    with caplog.at_level(logging.WARNING):
        closed = await checks_of(counted, seconds=0.01).ask(shield, "words", direction)
    opened = await checks_of(
        counted,
        seconds=0.01,
        on_failure=FailureMode.OPEN,
        on_answer_failure=FailureMode.OPEN,
    ).ask(shield, "words", direction)

    assert (closed.verdict, opened.verdict) == (CLOSED, Pass())
    assert [each.code for each in (*closed.warnings, *opened.warnings)] == ["shield_failed"] * 2
    assert "was blocked" in closed.warnings[0].message
    assert "unchecked" in opened.warnings[0].message
    assert [outcome for _, _, outcome in counted.outcomes] == ["failed_closed", "failed_open"]
    assert "shield=broken" in caplog.text


@pytest.mark.attack(52)
async def test_a_text_from_a_shield_that_only_checks_is_no_verdict() -> None:
    shield = PlannedShield("broken", lambda _: Rewrite("x"))
    checks = checks_of()

    assert (await checks.ask(shield, "words", Direction.INPUT)).verdict == CLOSED
    assert (await checks.ask(shield, "words", Direction.DOCUMENT)).verdict == Rewrite("x")


@pytest.mark.requirement("shield.failure")
async def test_one_shield_may_fail_otherwise_than_the_others() -> None:
    checks = checks_of(on_failure_of={"broken": FailureMode.OPEN})

    assert (await checks.ask(raises(ValueError()), "words", Direction.INPUT)).verdict == Pass()
    other = PlannedShield("other", lambda _: None)
    assert (await checks.ask(other, "words", Direction.INPUT)).verdict == CLOSED


async def test_what_shields_say_is_counted() -> None:
    counted = CountedChecks()
    checks = checks_of(counted)
    rewriting = PlannedShield("r", lambda _: Rewrite("x"), may_rewrite=True)

    for shield in (blocking("b", "bomb"), rewriting):
        await checks.ask(shield, "a bomb", Direction.INPUT)
    await checks.ask(blocking("b", "bomb"), "a cake", Direction.OUTPUT)

    assert counted.outcomes == [
        ("b", "input", "blocked"),
        ("r", "input", "rewritten"),
        ("b", "output", "passed"),
    ]


async def test_the_first_that_blocks_ends_those_beside_it() -> None:
    said = await checks_of().ask_all(
        [PlannedShield("slow", lambda _: Pass(), gate=asyncio.Event()), blocking("b", "bomb")],
        "bomb",
        Direction.INPUT,
    )
    assert [each.shield for each in said] == ["b"]


@pytest.mark.requirement("shield.names")
@pytest.mark.parametrize(
    ("name", "looks_at"),
    [
        ("input_x", {Direction.INPUT}),
        ("output_x", {Direction.OUTPUT}),
        ("inout_x", {Direction.INPUT, Direction.OUTPUT}),
        ("outputs", {Direction.INPUT}),
        ("x", {Direction.INPUT}),
    ],
)
def test_the_name_says_what_a_shield_looks_at(name: str, looks_at: set[Direction]) -> None:
    shield = PlannedShield(name, lambda _: Pass())
    assert {each for each in Direction if guards(shield, each)} == looks_at
    shield.reads_documents = True
    assert guards(shield, Direction.DOCUMENT)
