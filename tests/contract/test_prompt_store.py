"""Prompts in versions, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from lightspeed_core.errors import Conflict, NotFound
from lightspeed_core.prompts.identifiers import is_prompt_id, new_prompt_id
from lightspeed_core.prompts.memory import MemoryPrompts
from lightspeed_core.prompts.models import Prompt, PromptText
from lightspeed_core.prompts.sql import SqlPrompts
from lightspeed_core.prompts.store import PromptStore
from tests.contract.conftest import settings_for
from tests.support.databases import STORE_KINDS, open_stores

GREETING = PromptText(text="Say {{ word }} \n\U0001f680", variables=("word", "größe"))
FAREWELL = PromptText(text="Say goodbye")

type NewStore = Callable[[], Awaitable[PromptStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewStore]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemoryPrompts().beside, SqlPrompts) as new_store:
        yield new_store


@pytest.fixture
async def prompts(new_store: NewStore) -> PromptStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> PromptStore:
    """A second worker beside `prompts`."""
    return await new_store()


async def test_a_new_prompt_is_read_in_version_1_on_every_worker(
    prompts: PromptStore, others: PromptStore
) -> None:
    created = await prompts.create(GREETING)

    assert is_prompt_id(created.prompt_id)
    assert created == Prompt(
        prompt_id=created.prompt_id, version=1, is_default=True, content=GREETING
    )
    for worker in (prompts, others):
        assert await worker.get(created.prompt_id) == created
        assert await worker.get(created.prompt_id, 1) == created


@pytest.mark.requirement("prompts.versions")
@pytest.mark.parametrize("set_as_default", [True, False])
async def test_a_new_version_leaves_the_old_one_and_becomes_the_default_if_wished(
    prompts: PromptStore, others: PromptStore, set_as_default: bool
) -> None:
    prompt_id = (await prompts.create(GREETING)).prompt_id

    revised = await others.revise(prompt_id, FAREWELL, current=1, set_as_default=set_as_default)

    first = Prompt(prompt_id=prompt_id, version=1, is_default=not set_as_default, content=GREETING)
    assert revised == Prompt(
        prompt_id=prompt_id, version=2, is_default=set_as_default, content=FAREWELL
    )
    assert await prompts.get(prompt_id, 1) == first
    assert await prompts.get(prompt_id, 2) == revised
    default = revised if set_as_default else first
    assert await prompts.get(prompt_id) == default
    assert await prompts.list() == [default]


@pytest.mark.requirement("prompts.versions")
async def test_a_version_that_is_not_the_newest_is_not_revised(prompts: PromptStore) -> None:
    prompt_id = (await prompts.create(GREETING)).prompt_id
    await prompts.revise(prompt_id, FAREWELL, current=1, set_as_default=False)

    for version in (1, 3):
        with pytest.raises(Conflict) as refusal:
            await prompts.revise(prompt_id, GREETING, current=version, set_as_default=True)
        assert refusal.value.message == "Prompt version is not current"
        assert refusal.value.cause == (
            f"Version {version} of the prompt {prompt_id} cannot be revised: its newest version "
            "is 2"
        )
    assert (await prompts.get(prompt_id)).version == 1
    with pytest.raises(NotFound):
        await prompts.get(prompt_id, 3)


@pytest.mark.requirement("prompts.versions")
async def test_of_many_who_revise_a_version_at_once_one_succeeds(
    prompts: PromptStore, others: PromptStore
) -> None:
    prompt_id = (await prompts.create(GREETING)).prompt_id

    async def revise(worker: PromptStore, number: int) -> Prompt | Exception:
        content = PromptText(text=f"Text {number}")
        try:
            return await worker.revise(prompt_id, content, current=1, set_as_default=True)
        except Conflict as error:
            return error

    workers = (prompts, others) * 8
    outcomes = await asyncio.gather(*(revise(each, n) for n, each in enumerate(workers)))

    (revised,) = [outcome for outcome in outcomes if isinstance(outcome, Prompt)]
    assert revised.version == 2
    assert await others.get(prompt_id) == revised


async def test_what_does_not_exist_is_not_found(prompts: PromptStore) -> None:
    prompt_id = (await prompts.create(GREETING)).prompt_id
    unknown = new_prompt_id()

    with pytest.raises(NotFound, match=f"Prompt with ID {prompt_id} in version 2 does not exist"):
        await prompts.get(prompt_id, 2)
    with pytest.raises(NotFound, match=f"Prompt with ID {unknown} does not exist"):
        await prompts.get(unknown)
    with pytest.raises(NotFound, match=f"Prompt with ID {unknown} does not exist"):
        await prompts.revise(unknown, GREETING, current=1, set_as_default=True)
    assert await prompts.delete(unknown) is False


async def test_prompts_are_listed_the_newest_first(
    prompts: PromptStore, others: PromptStore
) -> None:
    assert await prompts.list() == []
    created = [await prompts.create(PromptText(text=f"Text {number}")) for number in range(4)]
    await others.revise(created[0].prompt_id, FAREWELL, current=1, set_as_default=False)

    assert await others.list() == created[::-1]


async def test_a_deleted_prompt_is_gone_in_all_its_versions(
    prompts: PromptStore, others: PromptStore
) -> None:
    kept = await prompts.create(FAREWELL)
    prompt_id = (await prompts.create(GREETING)).prompt_id
    await prompts.revise(prompt_id, FAREWELL, current=1, set_as_default=True)

    assert await others.delete(prompt_id) is True
    assert await prompts.delete(prompt_id) is False
    for version in (None, 1, 2):
        with pytest.raises(NotFound):
            await prompts.get(prompt_id, version)
    assert await prompts.list() == [kept]
