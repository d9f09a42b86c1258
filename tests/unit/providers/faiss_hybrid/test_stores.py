import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from llama_stack_api import (
    Api,
    ConflictError,
    DeleteChunksRequest,
    InvalidParameterError,
    ModelNotFoundError,
    OpenAIAttachFileRequest,
    OpenAICreateVectorStoreFileBatchRequestWithExtraBody,
    OpenAICreateVectorStoreRequestWithExtraBody,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAIEmbeddingsResponse,
    OpenAIUpdateVectorStoreFileRequest,
    OpenAIUpdateVectorStoreRequest,
    QueryChunksRequest,
    VectorStore,
    VectorStoreNotFoundError,
)
from pydantic import ValidationError

from lightspeed_stack_providers.faiss_hybrid import (
    FaissHybrid,
    FaissHybridConfig,
    schema,
    stores,
)
from lightspeed_stack_providers.faiss_hybrid.failures import StoreFileUnusable
from lightspeed_stack_providers.faiss_hybrid.provider import get_provider_spec
from tests.unit.providers.faiss_hybrid.parts import (
    DIMENSION,
    MODEL,
    STORE,
    WordEmbedder,
    chunk,
    document,
    found_ids,
    insert,
    listed,
    open_provider,
    open_store,
    store,
)


@pytest.mark.attack(77)
@pytest.mark.parametrize(
    "other", [store(model="words/other"), store(dimension=8)], ids=["model", "dimension"]
)
async def test_a_filled_store_goes_on_with_its_own_model_and_says_so(
    path: Path, other: VectorStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(path) as provider:
        await insert(provider, chunk("a", "alpha"))
    embedder = WordEmbedder()
    async with open_provider(path, embedder) as provider:
        await provider.register_vector_store(other)
        assert f"goes on with the model '{MODEL}' (dimension {DIMENSION})" in caplog.text
        assert "index its documents anew" in caplog.text
        assert await found_ids(provider, "alpha") == ["a"]
        assert {request.model for request in embedder.requests} == {MODEL}
        (kept,) = await provider.kept_stores()
        assert (kept.embedding_model, kept.embedding_dimension) == (MODEL, DIMENSION)
        wanted = other.embedding_model if other.embedding_model != MODEL else None
        assert kept.wanted_model == wanted
        foreign = chunk("b", "beta").model_copy(update={"embedding_model": "words/other"})
        with pytest.raises(InvalidParameterError, match="index the documents anew"):
            await insert(provider, foreign)


@pytest.mark.attack(77)
@pytest.mark.parametrize("mode", ["vector", "hybrid"])
async def test_a_model_that_is_gone_is_refused_with_advice(path: Path, mode: str) -> None:
    embedder = WordEmbedder()
    async with open_store(path, embedder) as provider:
        await insert(provider, chunk("a", "alpha"))
        embedder.failure = ModelNotFoundError(MODEL)
        with pytest.raises(ConflictError, match=f"'{MODEL}', which is not there.*anew"):
            await found_ids(provider, "alpha", mode=mode)
        assert await found_ids(provider, "alpha", mode="keyword") == ["a"]


async def test_a_store_without_a_vector_takes_another_model_on(path: Path) -> None:
    async with open_store(path) as provider:
        await insert(provider, chunk("a", "alpha", vector=[]))
        assert await found_ids(provider, "alpha") == ["a"]
        await provider.register_vector_store(store(model="words/small", dimension=2))
        (kept,) = await provider.kept_stores()
        assert (kept.embedding_model, kept.wanted_model) == ("words/small", None)
        vector = chunk("a", "alpha", vector=[1.0, 0.0])
        await insert(provider, vector.model_copy(update={"embedding_model": "words/small"}))
        assert await found_ids(provider, "x", mode="vector", embedding=[1.0, 0.0]) == ["a"]


async def test_a_store_serves_what_replaced_it_and_keeps_its_name(provider: FaissHybrid) -> None:
    await insert(provider, *document("old", "h1", ["alpha"]))
    assert await found_ids(provider, "alpha") == ["old-h1-0"]
    before = await provider.openai_update_vector_store(
        STORE, OpenAIUpdateVectorStoreRequest(name="Mine", metadata={"team": "docs"})
    )
    await provider.register_vector_store(store("next", model="words/small", dimension=2))
    new = chunk("new", "alpha", vector=[0.0, 1.0]).model_copy(
        update={"embedding_model": "words/small"}
    )
    await insert(provider, new, store_id="next")
    await provider.replace_vector_store(STORE, by="next")
    await provider.replace_vector_store(STORE, by=STORE)
    (kept,) = await provider.kept_stores()
    assert (kept.store_id, kept.name, kept.embedding_model) == (STORE, "Mine", "words/small")
    after = await provider.openai_retrieve_vector_store(STORE)
    assert after.created_at == before.created_at
    assert after.metadata["team"] == "docs"
    assert await found_ids(provider, "x", mode="vector", embedding=[0.0, 1.0]) == ["new"]
    for store_id, other in ((STORE, "next"), ("next", STORE)):
        with pytest.raises(VectorStoreNotFoundError):
            await provider.replace_vector_store(store_id, by=other)


@pytest.mark.attack(77)
async def test_a_question_is_never_compared_with_vectors_of_a_later_model(
    path: Path,
) -> None:
    class Exchanging(WordEmbedder):
        """Lets the store be replaced while a question is being embedded."""

        async def openai_embeddings(
            self, params: OpenAIEmbeddingsRequestWithExtraBody
        ) -> OpenAIEmbeddingsResponse:
            answer = await super().openai_embeddings(params)
            if params.model == MODEL:
                await provider.replace_vector_store(STORE, by="next")
            return answer

    embedder = Exchanging()
    async with open_store(path, embedder) as provider:
        await insert(provider, chunk("old", "alpha"))
        await provider.register_vector_store(store("next", model="words/other"))
        new = chunk("new", "alpha").model_copy(update={"embedding_model": "words/other"})
        await insert(provider, new, store_id="next")
        assert await found_ids(provider, "alpha", mode="vector") == ["new"]
        assert [request.model for request in embedder.requests] == [MODEL, "words/other"]


async def test_a_store_answers_until_it_expires(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha"))
    for moment, status in ((int(time.time()) + 60, "completed"), (1, "expired")):
        told = await provider.openai_update_vector_store(
            STORE, OpenAIUpdateVectorStoreRequest(expires_after={"at": moment})
        )
        assert (told.expires_at, told.status) == (moment, status)
        if status == "completed":
            assert await found_ids(provider, "alpha") == ["a"]
    renamed = await provider.openai_update_vector_store(
        STORE, OpenAIUpdateVectorStoreRequest(name="n", metadata={"k": "v"})
    )
    assert (renamed.expires_at, renamed.metadata["k"]) == (1, "v")
    assert not any(key.startswith("$") for key in renamed.metadata)
    with pytest.raises(VectorStoreNotFoundError):
        await found_ids(provider, "alpha")


async def test_everything_is_there_after_a_restart(path: Path) -> None:
    async with open_store(path) as provider:
        await insert(provider, *document("d", "h1", ["alpha", "beta"]))
        before = await listed(provider)
    async with open_provider(path) as provider:
        assert await listed(provider) == before
        for mode in ("vector", "keyword", "hybrid"):
            assert (await found_ids(provider, "alpha", mode=mode))[0] == "d-h1-0"


async def test_stores_of_one_file_do_not_mix(provider: FaissHybrid) -> None:
    await provider.register_vector_store(store("second", model="words/small", dimension=2))
    small = chunk("a", "alpha", vector=[1.0, 0.0]).model_copy(
        update={"embedding_model": "words/small"}
    )
    await insert(provider, small, store_id="second")
    await insert(provider, chunk("a", "beta"))
    assert await found_ids(provider, "alpha", mode="keyword") == []
    request = QueryChunksRequest(
        vector_store_id="second", query="alpha", params={"mode": "keyword"}
    )
    assert [each.content for each in (await provider.query_chunks(request)).chunks] == ["alpha"]


async def test_a_deleted_store_leaves_nothing_behind(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha"]))
    assert await found_ids(provider, "alpha") == ["d-h1-0"]
    assert (await provider.openai_delete_vector_store(STORE)).deleted
    await provider.unregister_vector_store(STORE)
    with pytest.raises(VectorStoreNotFoundError):
        await found_ids(provider, "alpha")
    assert not (await provider.openai_delete_vector_store(STORE)).deleted
    await provider.register_vector_store(store(dimension=DIMENSION))
    assert await found_ids(provider, "alpha") == []
    assert await listed(provider) == {}


async def test_a_store_is_made_renamed_and_listed_by_openais_api(provider: FaissHybrid) -> None:
    made = await provider.openai_create_vector_store(
        OpenAICreateVectorStoreRequestWithExtraBody.model_validate(
            {
                "name": "Manuals",
                "metadata": {"team": "docs"},
                "provider_vector_store_id": "vs_1",
                "embedding_model": MODEL,
                "embedding_dimension": DIMENSION,
            }
        )
    )
    assert (made.id, made.name, made.metadata["team"]) == ("vs_1", "Manuals", "docs")
    await insert(provider, *document("d", "h1", ["alpha"]), store_id="vs_1")
    await insert(provider, *document("e", "h1", ["beta"], pending=True), store_id="vs_1")
    changed = await provider.openai_update_vector_store(
        "vs_1", OpenAIUpdateVectorStoreRequest(name="Books")
    )
    assert (changed.name, changed.metadata["team"]) == ("Books", "docs")
    again = await provider.openai_retrieve_vector_store("vs_1")
    assert (again.file_counts.completed, again.file_counts.in_progress) == (1, 1)
    assert (again.status, again.usage_bytes) == ("in_progress", len("alphabeta"))
    assert again.metadata["embedding_model"] == MODEL
    newest = await provider.openai_list_vector_stores(limit=1)
    assert [each.id for each in newest.data] == ["vs_1"]
    assert newest.has_more
    rest = await provider.openai_list_vector_stores(after=newest.last_id)
    assert [each.id for each in rest.data] == [STORE]


async def test_what_the_router_registered_is_described_and_not_made_twice(
    provider: FaissHybrid,
) -> None:
    made = await provider.openai_create_vector_store(
        OpenAICreateVectorStoreRequestWithExtraBody.model_validate(
            {"name": "Mine", "provider_vector_store_id": STORE}
        )
    )
    assert (made.id, made.name) == (STORE, "Mine")
    assert len((await provider.openai_list_vector_stores()).data) == 1


async def test_expiry_and_files_are_refused_rather_than_ignored(provider: FaissHybrid) -> None:
    create = OpenAICreateVectorStoreRequestWithExtraBody
    with pytest.raises(InvalidParameterError, match="expires_after"):
        await provider.openai_create_vector_store(create(expires_after={"days": 1}))
    with pytest.raises(InvalidParameterError, match="expires_after"):
        await provider.openai_update_vector_store(
            STORE, OpenAIUpdateVectorStoreRequest(expires_after={"days": 1})
        )
    refusals = [
        provider.openai_create_vector_store(create(file_ids=["f"])),
        provider.openai_attach_file_to_vector_store(STORE, OpenAIAttachFileRequest(file_id="f")),
        provider.openai_update_vector_store_file(
            STORE, "f", OpenAIUpdateVectorStoreFileRequest(attributes={})
        ),
        provider.openai_create_vector_store_file_batch(
            STORE, OpenAICreateVectorStoreFileBatchRequestWithExtraBody(file_ids=["f"])
        ),
        provider.openai_retrieve_vector_store_file_batch("b", STORE),
        provider.openai_list_files_in_vector_store_file_batch("b", STORE),
        provider.openai_cancel_vector_store_file_batch("b", STORE),
    ]
    for refusal in refusals:
        with pytest.raises(NotImplementedError, match="Insert the chunks of a document"):
            await refusal


async def first_steps(path: Path, number: int) -> None:
    async with open_store(path) as provider:
        await insert(provider, chunk(f"c{number}", "alpha"))


async def test_two_processes_may_make_the_same_file_at_once(path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(6):
            tasks.create_task(first_steps(path, number))
    async with open_provider(path) as provider:
        assert len(await found_ids(provider, "alpha", mode="keyword")) == 6


def garbage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)


def overwrite_from_third_page(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\x07" * (len(whole) - 8192))


async def test_opening_waits_for_another_process_that_is_about_to_do_the_same(path: Path) -> None:
    schema.connect(path).close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(first_steps(path, 0))
            await asyncio.wait([opening], timeout=0.2)
            assert not opening.done()
            other.execute("COMMIT")
    other.close()


async def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    garbage(path)
    with pytest.raises(StoreFileUnusable, match=f"{path}.*not a database.*backup"):
        async with open_provider(path):
            pass


async def test_a_file_damaged_in_the_middle_is_named(path: Path) -> None:
    async with open_store(path) as provider:
        for turn in range(20):
            await insert(provider, *[chunk(f"{turn}-{i}", "alpha " * 50) for i in range(20)])
    overwrite_from_third_page(path)
    async with open_provider(path) as provider:
        with pytest.raises(StoreFileUnusable, match=f"{path}.*malformed.*index the documents"):
            await found_ids(provider, "alpha", mode="keyword")


async def test_a_vector_that_is_damaged_is_not_read_as_numbers(path: Path) -> None:
    async with open_store(path) as provider:
        await insert(provider, chunk("a", "alpha"))
    for wrong in (b"\x00" * 7, b"\xff" * 4 * DIMENSION):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE vectors SET embedding = ?", (wrong,))
        connection.close()
        async with open_provider(path) as provider:
            with pytest.raises(StoreFileUnusable, match=f"{path}.*vector"):
                await found_ids(provider, "alpha", mode="vector")


async def test_a_file_of_the_format_before_is_renewed_with_all_that_it_holds(path: Path) -> None:
    async with open_store(path) as provider:
        await insert(provider, *document("d", "h1", ["alpha"]))
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE stores DROP COLUMN is_removed")
        connection.execute("ALTER TABLE documents DROP COLUMN attributes")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(first_steps(path, number))
    async with open_provider(path) as provider:
        assert len(await found_ids(provider, "alpha", mode="keyword")) == 4
        (text,) = (await provider.openai_retrieve_vector_store_file_contents(STORE, "d")).data
        assert (text.text, text.metadata) == ("alpha", None)


def rows_of(path: Path) -> dict[str, int]:
    """Count what is in the tables of a file."""
    connection = sqlite3.connect(path)
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("stores", "documents", "chunks", "vectors", "removals")
    }
    connection.close()
    return counts


async def test_a_store_that_is_replaced_is_swept_away_while_others_write(path: Path) -> None:
    many = [chunk(f"c{index}", "alpha", document_id=f"d{index % 50}") for index in range(1_000)]
    async with open_store(path) as provider, open_provider(path) as other:
        await insert(provider, *many)
        await insert(provider, *many[:100], chunk("loose", "beta"))
        await provider.delete_chunks(delete("c1", "c2"))
        await provider.register_vector_store(store("next"))
        await insert(provider, chunk("new", "alpha"), store_id="next")
        async with asyncio.TaskGroup() as tasks:
            replacing = tasks.create_task(provider.replace_vector_store(STORE, by="next"))
            written = 0
            while not replacing.done():
                await insert(other, chunk(f"w{written}", "gamma"))
                written += 1
        assert written > 2
        assert await found_ids(other, "alpha", mode="keyword") == ["new"]
    # What was written before the switch went with the old store.
    assert rows_of(path)["stores"] == 1
    assert rows_of(path)["chunks"] <= written + 1
    assert rows_of(path)["documents"] == 0


def delete(*chunk_ids: str) -> DeleteChunksRequest:
    chunks = [{"chunk_id": chunk_id, "document_id": ""} for chunk_id in chunk_ids]
    return DeleteChunksRequest.model_validate({"vector_store_id": STORE, "chunks": chunks})


async def test_what_a_crash_leaves_of_a_removed_store_goes_at_the_next_start(path: Path) -> None:
    async with open_store(path) as provider:
        await insert(provider, *document("d", "h1", ["alpha"] * 500))
        await provider.register_vector_store(store("kept"))
        await insert(provider, chunk("new", "alpha"), store_id="kept")
    connection = sqlite3.connect(path)
    assert stores.remove(connection, STORE)
    assert stores.sweep(connection)
    connection.commit()
    connection.close()
    assert rows_of(path)["chunks"] > 1
    async with open_provider(path) as provider:
        assert [each.store_id for each in await provider.kept_stores()] == ["kept"]
        async with asyncio.timeout(30):
            while await asyncio.to_thread(rows_of, path) != {
                **dict.fromkeys(("stores", "chunks", "vectors"), 1),
                **dict.fromkeys(("documents", "removals"), 0),
            }:
                await asyncio.sleep(0.01)


async def test_the_database_of_another_application_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = await asyncio.to_thread(path.read_bytes)
    with pytest.raises(StoreFileUnusable, match=f"{path}.*another application"):
        async with open_provider(path):
            pass
    assert await asyncio.to_thread(path.read_bytes) == before


async def test_a_file_of_a_later_release_is_refused(path: Path) -> None:
    async with open_provider(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFileUnusable, match="its format is 99"):
        async with open_provider(path):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreFileUnusable, match=r"file/store\.db.*writable"):
        async with open_provider(tmp_path / "file" / "store.db"):
            pass


async def test_health_tells_of_a_file_that_cannot_be_read(path: Path) -> None:
    async with open_store(path) as provider:
        assert (await provider.health())["status"] == "OK"
    async with open_provider(path) as provider:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE stores")
        connection.close()
        health = await provider.health()
        assert health["status"] == "Error"
        assert str(path) in health["message"]


async def test_closing_twice_is_harmless(path: Path) -> None:
    async with open_store(path) as provider:
        await provider.shutdown()


@pytest.mark.parametrize("wrong", [":memory:", ".", "/tmp"])
def test_a_path_that_is_no_file_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is not a file"):
        FaissHybridConfig(db_path=Path(wrong))


def test_the_home_folder_is_expanded() -> None:
    assert FaissHybridConfig(db_path=Path("~/k.db")).db_path == Path.home() / "k.db"


def test_the_stack_finds_the_provider_by_its_type() -> None:
    spec = get_provider_spec()
    assert (spec.api, spec.provider_type) == (Api.vector_io, "inline::faiss_hybrid")
