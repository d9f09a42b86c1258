"""Prompts that users save, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lightspeed_core.errors import Conflict, InvalidRequest
from lightspeed_core.prompts.memory import MemorySavedPrompts
from lightspeed_core.prompts.models import SavedPrompt
from lightspeed_core.prompts.sql import SqlSavedPrompts
from lightspeed_core.prompts.store import SavedPromptStore
from tests.contract.conftest import settings_for
from tests.support.databases import STORE_KINDS, open_stores

MOST = 5

type NewStore = Callable[[], Awaitable[SavedPromptStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewStore]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemorySavedPrompts().beside, SqlSavedPrompts) as new_store:
        yield new_store


@pytest.fixture
async def prompts(new_store: NewStore) -> SavedPromptStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> SavedPromptStore:
    """A second worker beside `prompts`."""
    return await new_store()


async def save(store: SavedPromptStore, user_id: str, *names: str) -> list[SavedPrompt]:
    return [await store.add(user_id, name, f"Of {name}", most=MOST) for name in names]


async def try_to_save(store: SavedPromptStore, name: str) -> SavedPrompt | Exception:
    try:
        return await store.add("ann", name, store.__class__.__name__, most=MOST)
    except (Conflict, InvalidRequest) as error:
        return error


async def test_a_saved_prompt_reads_back_as_it_was_on_every_worker(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    content = "  Größe: {{ size }}?\n\u0001 \U0001f680 "

    saved = await prompts.add("user:default/ann", "Größe", content, most=MOST)

    assert (saved.user_id, saved.name, saved.content) == ("user:default/ann", "Größe", content)
    assert saved.created_at == saved.updated_at
    assert saved.created_at.tzinfo is not None
    for worker in (prompts, others):
        assert await worker.find(saved.prompt_id) == saved
        assert await worker.list("user:default/ann", limit=200) == [saved]


@pytest.mark.requirement("saved-prompts.own")
async def test_each_user_has_prompts_of_their_own_the_newest_first(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    of_ann = await save(prompts, "ann", "b", "c", "a")
    of_ben = await save(others, "ben", "b")

    assert await others.list("ann", limit=200) == of_ann[::-1]
    assert await others.list("ann", limit=2) == [of_ann[2], of_ann[1]]
    assert await prompts.list("ben", limit=200) == of_ben
    assert await prompts.list("cleo", limit=200) == []


@pytest.mark.requirement("saved-prompts.limits")
async def test_a_name_is_given_once_per_user(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    (first,) = await save(prompts, "ann", "Check")
    await save(prompts, "ben", "Check")

    with pytest.raises(Conflict) as refusal:
        await others.add("ann", "Check", "Another", most=MOST)

    assert refusal.value.message == "Saved Prompt already exists"
    assert refusal.value.cause == "Saved Prompt with name 'Check' is already registered"
    assert await prompts.list("ann", limit=200) == [first]
    await save(others, "ann", "check", "Check ")


@pytest.mark.requirement("saved-prompts.limits")
async def test_one_prompt_too_many_is_refused(prompts: SavedPromptStore) -> None:
    saved = await save(prompts, "ann", *"abcde")

    for name in ("f", "a"):
        with pytest.raises(InvalidRequest) as refusal:
            await prompts.add("ann", name, "x", most=MOST)
        assert refusal.value.message == "Saved prompt limit exceeded"
        assert refusal.value.cause == (
            "Saved prompt limit exceeded: 5 existing prompts, maximum is 5"
        )
    assert await prompts.list("ann", limit=200) == saved[::-1]
    await prompts.delete(saved[0].prompt_id)
    await save(prompts, "ann", "f")
    await save(prompts, "ben", "a")


async def test_a_deleted_prompt_is_gone_and_its_name_is_free(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    first, second = await save(prompts, "ann", "a", "b")

    assert await others.delete(first.prompt_id) is True
    assert await prompts.delete(first.prompt_id) is False
    assert await prompts.find(first.prompt_id) is None
    assert await prompts.list("ann", limit=200) == [second]
    (again,) = await save(prompts, "ann", "a")
    assert again.prompt_id != first.prompt_id


@pytest.mark.requirement("saved-prompts.limits")
async def test_of_many_who_take_a_name_at_once_one_gets_it(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    outcomes = await asyncio.gather(*(try_to_save(each, "a") for each in (prompts, others) * 8))

    saved = [outcome for outcome in outcomes if isinstance(outcome, SavedPrompt)]
    assert [type(outcome) for outcome in outcomes].count(Conflict) == 15
    assert await others.list("ann", limit=200) == saved


@pytest.mark.requirement("saved-prompts.limits")
async def test_many_who_save_at_once_do_not_pass_the_limit(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    workers = (prompts, others) * 10
    outcomes = await asyncio.gather(
        *(try_to_save(worker, f"prompt {number}") for number, worker in enumerate(workers))
    )

    saved = {outcome.prompt_id for outcome in outcomes if isinstance(outcome, SavedPrompt)}
    assert [type(outcome) for outcome in outcomes].count(InvalidRequest) == 15
    assert {prompt.prompt_id for prompt in await prompts.list("ann", limit=200)} == saved
    assert len(saved) == MOST


async def test_saving_and_deleting_at_once_lose_nothing(
    prompts: SavedPromptStore, others: SavedPromptStore
) -> None:
    async def save_and_delete(worker: SavedPromptStore, name: str) -> None:
        for _ in range(5):
            (prompt,) = await save(worker, "ann", name)
            assert await worker.delete(prompt.prompt_id)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number, worker in enumerate((prompts, others) * 2):
            group.create_task(save_and_delete(worker, f"prompt {number}"))

    assert await prompts.list("ann", limit=200) == []
    assert len(await save(others, "ann", *"abcde")) == MOST
