"""Answers about secrets: asked once, kept for moments, errors never kept."""

import asyncio

import pytest

from lightspeed_core.auth.brief_answers import ACCEPTED_SECONDS, REFUSED_SECONDS, BriefAnswers
from lightspeed_core.errors import LightspeedError, StoreUnavailable


class Asked:
    """Answers whether the secret is `good`; waits where `gate` is shut."""

    def __init__(self, *, most: int = 100) -> None:
        self.now = 0.0
        self.secrets: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: LightspeedError | None = None
        self.answers = BriefAnswers(
            self.ask, is_yes=lambda answer: answer, clock=lambda: self.now, most=most
        )

    async def ask(self, secret: str) -> bool:
        self.secrets.append(secret)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return secret == "good"


async def until_asked(asked: Asked, times: int) -> None:
    async with asyncio.timeout(5):
        while len(asked.secrets) < times:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("secret", "answer", "seconds"),
    [("good", True, ACCEPTED_SECONDS), ("bad", False, REFUSED_SECONDS)],
)
async def test_an_answer_is_kept_for_its_time_and_then_asked_for_again(
    secret: str, answer: bool, seconds: float
) -> None:
    asked = Asked()
    assert await asked.answers.about(secret) is answer
    asked.now = seconds - 0.001
    assert await asked.answers.about(secret) is answer
    assert len(asked.secrets) == 1

    asked.now = seconds
    assert await asked.answers.about(secret) is answer
    assert len(asked.secrets) == 2


async def test_a_hundred_at_the_same_time_ask_once() -> None:
    asked = Asked()
    asked.gate.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked.answers.about("good")) for _ in range(100)]
        await until_asked(asked, 1)
        asked.gate.set()

    assert [task.result() for task in tasks] == [True] * 100
    assert asked.secrets == ["good"]


async def test_different_secrets_do_not_wait_for_one_another() -> None:
    asked = Asked()
    asked.gate.clear()
    async with asyncio.TaskGroup() as group:
        good = group.create_task(asked.answers.about("good"))
        bad = group.create_task(asked.answers.about("bad"))
        await until_asked(asked, 2)
        asked.gate.set()

    assert (good.result(), bad.result()) == (True, False)


@pytest.mark.attack(14)
async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    asked = Asked()
    asked.error = StoreUnavailable("down")
    asked.gate.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(asyncio.wait_for(failure_of(asked), timeout=5)) for _ in range(10)
        ]
        await until_asked(asked, 1)
        asked.gate.set()
    assert [task.result() for task in tasks] == ["down"] * 10
    assert len(asked.secrets) == 1

    asked.error = None
    assert await asked.answers.about("good") is True


async def failure_of(asked: Asked) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await asked.answers.about("good")
    return caught.value.cause


async def test_when_the_one_who_asked_goes_away_another_asks_again() -> None:
    asked = Asked()
    asked.gate.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(asked.answers.about("good"))
        await until_asked(asked, 1)
        second = group.create_task(asked.answers.about("good"))
        third = group.create_task(asked.answers.about("good"))
        await asyncio.sleep(0)
        first.cancel()
        await until_asked(asked, 2)
        asked.gate.set()

    assert first.cancelled()
    assert (second.result(), third.result()) == (True, True)
    assert len(asked.secrets) == 2


async def test_the_oldest_answers_make_room_for_new_ones() -> None:
    asked = Asked(most=2)
    for secret in ("a", "b", "c", "c", "b", "a"):
        await asked.answers.about(secret)
    assert asked.secrets == ["a", "b", "c", "a"]


async def test_a_secret_is_not_kept() -> None:
    asked = Asked()
    await asked.answers.about("good")
    assert "good" not in repr(vars(asked.answers))
