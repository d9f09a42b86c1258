"""Big stores are in memory before they are asked; what they then find is what they hold."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from llama_stack_api import ChunkForDeletion, DeleteChunksRequest

from lightspeed_stack_providers.faiss_hybrid.warming import BIG
from tests.unit.providers.faiss_hybrid.parts import (
    STORE,
    chunk,
    found_ids,
    insert,
    open_store,
    query,
)

WARMED = "vector store warmed"
SECONDS = 30


async def fill(path: Path, count: int) -> None:
    async with open_store(path) as provider:
        await insert(provider, *(chunk(f"c{number}", f"word{number}") for number in range(count)))


async def until_warmed(caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(SECONDS):
        while WARMED not in caplog.messages:
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_a_big_store_is_in_memory_before_it_is_searched(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path, BIG)
    async with open_store(path) as provider:
        await until_warmed(caplog)
        await insert(provider, chunk("new", "heron"))
        doomed = [ChunkForDeletion(chunk_id="c7", document_id="any")]
        await provider.delete_chunks(DeleteChunksRequest(vector_store_id=STORE, chunks=doomed))

        assert await found_ids(provider, "heron", mode="keyword") == ["new"]
        assert await found_ids(provider, "word7", mode="keyword") == []
        assert await found_ids(provider, "word8", mode="keyword") == ["c8"]
    assert caplog.messages.count(WARMED) == 1


async def test_questions_that_come_too_early_wait_for_it_together(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path, BIG)
    async with open_store(path) as provider:
        impatient = asyncio.ensure_future(query(provider, "word1", mode="keyword"))
        await asyncio.sleep(0)
        impatient.cancel()
        found = await asyncio.gather(
            *(found_ids(provider, f"word{number}", mode="keyword") for number in range(4))
        )

    assert found == [["c0"], ["c1"], ["c2"], ["c3"]]
    assert caplog.messages.count(WARMED) == 1


async def test_a_small_store_is_left_to_its_first_question(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path, 3)
    async with open_store(path) as provider:
        assert await found_ids(provider, "word1", mode="keyword") == ["c1"]
    assert WARMED not in caplog.messages


async def test_closing_does_not_wait_for_the_whole_store(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path, 3 * BIG)
    async with open_store(path):
        pass

    assert WARMED not in caplog.messages
    assert not [each for each in threading.enumerate() if "faiss-hybrid" in each.name]
