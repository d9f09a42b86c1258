import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from llama_stack_api import (
    ChunkForDeletion,
    ConflictError,
    DeleteChunksRequest,
    EmbeddedChunk,
    ImageContentItem,
    InsertChunksRequest,
    InvalidParameterError,
    QueryChunksRequest,
    TextContentItem,
    VectorStoreNotFoundError,
)

from lightspeed_stack_providers.faiss_hybrid import FaissHybrid
from tests.unit.providers.faiss_hybrid.parts import (
    STORE,
    chunk,
    document,
    found_ids,
    insert,
    listed,
    open_store,
)


async def delete(provider: FaissHybrid, *chunk_ids: str) -> None:
    doomed = [ChunkForDeletion(chunk_id=each, document_id="") for each in chunk_ids]
    await provider.delete_chunks(DeleteChunksRequest(vector_store_id=STORE, chunks=doomed))


async def test_a_pending_chunk_is_found_by_keyword_until_its_vector_follows(
    provider: FaissHybrid,
) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"], pending=True))
    assert await found_ids(provider, "alpha", mode="keyword") == ["d-h1-0"]
    assert await found_ids(provider, "alpha", mode="vector") == []
    assert (await listed(provider))["d"]["pending"] == 2

    await insert(provider, *document("d", "h1", ["alpha", "beta"]))
    assert (await found_ids(provider, "alpha", mode="vector"))[0] == "d-h1-0"
    assert await found_ids(provider, "alpha", mode="keyword") == ["d-h1-0"]
    assert (await listed(provider))["d"]["pending"] == 0


async def test_a_vector_stays_when_its_chunk_comes_again_without_one(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha"]))
    await insert(provider, *document("d", "h1", ["alpha"], pending=True))
    assert await found_ids(provider, "alpha", mode="vector") == ["d-h1-0"]


async def test_a_new_version_takes_the_place_of_the_old_one(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta", "gamma"]))
    await insert(provider, *document("other", "h9", ["alpha"]))
    await insert(provider, *document("d", "h2", ["delta"]))
    assert await found_ids(provider, "alpha beta gamma", mode="keyword") == ["other-h9-0"]
    assert await found_ids(provider, "delta", mode="keyword") == ["d-h2-0"]
    documents = await listed(provider)
    assert (documents["d"]["content_hash"], documents["d"]["chunks"]) == ("h2", 1)


async def test_the_rest_of_a_version_may_follow_later(provider: FaissHybrid) -> None:
    first, *rest = document("d", "h1", ["alpha", "beta", "gamma"])
    await insert(provider, first)
    await insert(provider, *rest)
    assert (await listed(provider))["d"]["chunks"] == 3


async def test_chunks_of_a_replaced_version_are_refused(provider: FaissHybrid) -> None:
    _, *late = document("d", "h1", ["alpha", "beta"])
    await insert(provider, *document("d", "h2", ["delta"]))
    with pytest.raises(ConflictError, match="content hash h2 by now"):
        await insert(provider, *late)
    assert await found_ids(provider, "beta", mode="keyword") == []


async def test_a_request_that_mixes_versions_is_refused(provider: FaissHybrid) -> None:
    mixed = [*document("d", "h1", ["alpha"]), *document("d", "h2", ["beta"])]
    del mixed[1].metadata["source_text"]
    with pytest.raises(InvalidParameterError, match="one version"):
        await insert(provider, *mixed)


async def test_chunks_of_other_users_need_none_of_our_keys(provider: FaissHybrid) -> None:
    await insert(provider, chunk("plain", "alpha"), chunk("own", "beta", colour="red"))
    assert await found_ids(provider, "alpha", mode="vector", max_chunks=1) == ["plain"]
    assert await found_ids(provider, "beta", mode="keyword") == ["own"]
    assert await listed(provider) == {}


async def test_hashes_without_a_source_text_replace_nothing(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha", document_id="d", content_hash="of-a"))
    await insert(provider, chunk("b", "beta", document_id="d", content_hash="of-b"))
    assert (await listed(provider))["d"]["chunks"] == 2


async def test_a_document_is_known_by_the_backends_metadata_too(provider: FaissHybrid) -> None:
    plain = chunk("a", "alpha")
    plain.chunk_metadata.document_id = "d"
    await insert(provider, plain)
    assert list(await listed(provider)) == ["d"]
    wanted = {"type": "eq", "key": "document_id", "value": "d"}
    assert await found_ids(provider, "alpha", mode="keyword", filters=wanted) == ["a"]


async def test_another_text_under_the_same_id_replaces_the_chunk(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha", document_id="d"))
    await insert(provider, chunk("a", "beta", document_id="e", vector=[]))
    assert await found_ids(provider, "alpha", mode="keyword") == []
    assert await found_ids(provider, "beta", mode="keyword") == ["a"]
    assert await found_ids(provider, "beta", mode="vector") == []
    assert list(await listed(provider)) == ["e"]


async def test_of_one_id_given_twice_the_last_chunk_stays(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha"), chunk("a", "beta"))
    assert await found_ids(provider, "alpha beta", mode="keyword") == ["a"]


async def test_a_corrected_vector_replaces_the_stored_one(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha", vector=[1.0] + [0.0] * 15))
    await insert(provider, chunk("a", "alpha", vector=[0.0] * 15 + [1.0]))
    [(_, score)] = await _by_vector(provider, [0.0] * 15 + [1.0])
    assert score == pytest.approx(1.0)


async def _by_vector(provider: FaissHybrid, vector: list[float]) -> list[tuple[str, float]]:
    request = QueryChunksRequest(
        vector_store_id=STORE, query="", params={"mode": "vector", "embedding": vector}
    )
    response = await provider.query_chunks(request)
    ids = [found.chunk_id for found in response.chunks]
    return list(zip(ids, response.scores, strict=True))


async def test_a_document_goes_with_its_last_chunk(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"]))
    await delete(provider, "d-h1-0", "unknown")
    assert (await listed(provider))["d"]["chunks"] == 1
    assert await found_ids(provider, "alpha beta", mode="keyword") == ["d-h1-1"]
    await delete(provider, "d-h1-1")
    assert await listed(provider) == {}
    assert await found_ids(provider, "alpha beta", mode="hybrid") == []


async def test_texts_come_in_parts_and_images_are_refused(provider: FaissHybrid) -> None:
    parts = chunk("a", "x").model_copy(
        update={"content": [TextContentItem(text="alpha"), TextContentItem(text="beta")]}
    )
    await insert(provider, parts)
    assert await found_ids(provider, "beta", mode="keyword") == ["a"]
    image = ImageContentItem.model_validate({"image": {"data": "AAAA"}})
    with pytest.raises(InvalidParameterError, match="content of b"):
        await insert(provider, chunk("b", "x").model_copy(update={"content": image}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"embedding": [1.0] * 8}, "holds vectors of 16 numbers"),
        ({"embedding": [float("nan")] * 16}, "must be finite"),
        ({"embedding_model": "words/other"}, "cannot be compared"),
        ({"metadata": {"when": object()}}, "must be JSON"),
        ({"metadata": {"when": float("inf")}}, "must be JSON"),
    ],
)
async def test_a_chunk_that_does_not_fit_is_refused_and_nothing_is_stored(
    provider: FaissHybrid, change: dict[str, Any], said: str
) -> None:
    wrong: EmbeddedChunk = chunk("b", "beta").model_copy(update=change)
    with pytest.raises(InvalidParameterError, match=said):
        await insert(provider, chunk("a", "alpha"), wrong)
    assert await found_ids(provider, "alpha", mode="keyword") == []


async def test_the_bare_name_of_the_model_is_taken_for_the_same(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha").model_copy(update={"embedding_model": "hashed"}))
    assert await found_ids(provider, "alpha", mode="vector") == ["a"]


async def test_a_time_to_live_is_refused_rather_than_ignored(provider: FaissHybrid) -> None:
    request = InsertChunksRequest(vector_store_id=STORE, chunks=[], ttl_seconds=60)
    with pytest.raises(InvalidParameterError, match="ttl_seconds"):
        await provider.insert_chunks(request)


async def test_an_unknown_store_is_named(provider: FaissHybrid) -> None:
    with pytest.raises(VectorStoreNotFoundError, match="'nowhere'"):
        await insert(provider, chunk("a", "alpha"), store_id="nowhere")


async def test_another_process_sees_a_document_before_or_after_its_replacement(path: Path) -> None:
    versions = {"even": ["alpha one", "alpha two"], "odd": ["alpha uno", "alpha due", "alpha tre"]}
    async with open_store(path) as writer, open_store(path) as reader:
        await insert(writer, *document("d", "even", versions["even"]))
        seen: set[str] = set()
        searches = 0
        done = asyncio.Event()

        async def replace() -> None:
            for name in itertools.islice(itertools.cycle(["odd", "even"]), 2000):
                await insert(writer, *document("d", name, versions[name]))
                if searches > 50 and len(seen) == 2:
                    break
            done.set()

        async def watch() -> None:
            nonlocal searches
            while not done.is_set():
                for mode in ("keyword", "vector"):
                    found = await found_ids(reader, "alpha", mode=mode)
                    name = found[0].split("-")[1]
                    assert sorted(found) == [f"d-{name}-{i}" for i in range(len(versions[name]))]
                    seen.add(name)
                    searches += 1

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(replace())
            tasks.create_task(watch())
        assert seen == {"even", "odd"}


async def test_an_insert_writes_as_much_into_a_full_store_as_into_an_empty_one(
    provider: FaissHybrid, path: Path
) -> None:
    written: list[int] = []
    wal = path.with_name(path.name + "-wal")
    for turn in range(40):
        before = wal.stat().st_size
        batch = [chunk(f"c{turn:03}-{i:03}", f"alpha word{i} turn{turn}") for i in range(50)]
        await insert(provider, *batch)
        written.append(wal.stat().st_size - before)
        await found_ids(provider, f"turn{turn}", mode="hybrid")
    # SQLite begins its log anew now and then; such a turn tells nothing. Trees grow by a level now
    # and then; a cost by what is stored would be eight times as high at the end.
    grown = [each for each in written if each > 0]
    assert len(grown) > 20
    assert sum(grown[-5:]) < 2 * sum(grown[3:8])
