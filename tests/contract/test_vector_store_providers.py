"""One suite over both providers of vector stores: SQLite with faiss, PostgreSQL with pgvector."""

import asyncio
import math
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llama_stack_api import (
    ConflictError,
    DeleteChunksRequest,
    EmbeddedChunk,
    InvalidParameterError,
    ModelNotFoundError,
    OpenAIUpdateVectorStoreRequest,
    QueryChunksRequest,
    VectorStoreNotFoundError,
)

from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores
from tests.support.vector_store_kinds import KINDS, OpenProvider, opening
from tests.unit.providers.faiss_hybrid.parts import (
    DIMENSION,
    MODEL,
    STORE,
    WordEmbedder,
    chunk,
    cut_into,
    document,
    embed,
    found_ids,
    insert,
    listed,
    query,
    store,
)

MODES = ("vector", "keyword", "hybrid")
pytestmark = pytest.mark.requirement("stores.providers")


@pytest.fixture(params=KINDS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenProvider]:
    async with opening(str(request.param), request, tmp_path) as open_provider:
        yield open_provider


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
async def provider(opened: OpenProvider, embedder: WordEmbedder) -> ShelvedStores:
    provider = await opened(embedder)
    await provider.register_vector_store(store())
    return provider


@pytest.mark.parametrize("mode", MODES)
async def test_what_fits_best_comes_first_with_scores_in_bounds(
    provider: ShelvedStores, mode: str
) -> None:
    await insert(provider, chunk("a", "alpha beta"), chunk("b", "beta gamma"), chunk("c", "delta"))
    found = await query(provider, "alpha beta", mode=mode)
    assert [chunk_id for chunk_id, _ in found][:2] == ["a", "b"]
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


async def test_a_word_is_found_in_its_other_forms_and_above_the_text_counts_double(
    provider: ShelvedStores,
) -> None:
    await insert(
        provider,
        chunk("below", "certificates and other things"),
        chunk("above", "some things and others", title="Renewing a certificate"),
    )
    assert await found_ids(provider, "renewed certificates", mode="keyword") == ["above", "below"]


async def test_words_that_stand_everywhere_count_less(provider: ShelvedStores) -> None:
    common = [chunk(f"c{index}", f"server setting number{index}") for index in range(30)]
    await insert(provider, *common, chunk("rare", "server quota"))
    found = await query(provider, "server quota", mode="keyword", max_chunks=40)
    assert found[0][0] == "rare"
    assert len(found) == 31
    assert found[0][1] > 2 * found[1][1]


async def test_pending_chunks_are_found_by_keyword_until_their_vectors_come(
    provider: ShelvedStores,
) -> None:
    await insert(provider, *document("d", "h1", ["alpha one", "alpha two"], pending=True))
    assert len(await found_ids(provider, "alpha", mode="keyword")) == 2
    assert await found_ids(provider, "alpha", mode="vector") == []
    assert (await listed(provider))["d"]["pending"] == 2
    await insert(provider, *document("d", "h1", ["alpha one", "alpha two"]))
    assert (await listed(provider))["d"]["pending"] == 0
    assert len(await found_ids(provider, "alpha", mode="vector")) == 2
    await insert(provider, *document("d", "h1", ["alpha one", "alpha two"], pending=True))
    assert len(await found_ids(provider, "alpha", mode="vector")) == 2


async def test_a_document_is_replaced_whole(provider: ShelvedStores) -> None:
    await insert(provider, *document("d", "h1", ["alpha one", "alpha two", "alpha three"]))
    await insert(provider, *document("d", "h2", ["alpha four"]))
    assert await found_ids(provider, "alpha", mode="keyword") == ["d-h2-0"]
    assert (await listed(provider))["d"]["chunks"] == 1
    late = document("d", "h1", ["alpha one", "alpha two"])[1:]
    with pytest.raises(ConflictError, match="content hash h2"):
        await insert(provider, *late)
    text = await provider.openai_retrieve_vector_store_file_contents(STORE, "d")
    assert [each.text for each in text.data] == ["alpha four"]


async def test_an_insert_is_whole_or_absent(provider: ShelvedStores) -> None:
    bad = chunk("b", "beta", vector=[math.nan] * DIMENSION)
    with pytest.raises(InvalidParameterError, match="finite"):
        await insert(provider, *document("d", "h1", ["alpha"]), bad)
    assert await listed(provider) == {}
    assert await found_ids(provider, "alpha", mode="keyword") == []


async def test_chunks_are_given_back_as_they_came(provider: ShelvedStores) -> None:
    text = "odd \\u0000 text, \"quoted\" and 'so on' %s $1 {x}"
    kept = chunk("a", text, page=3, rate=0.5, done=True, tags=["x"], none=None, language="en")
    await insert(provider, kept)
    request = QueryChunksRequest(
        vector_store_id=STORE, query="quoted", params={"include_embeddings": True}
    )
    (found,) = (await provider.query_chunks(request)).chunks
    assert (found.content, found.metadata) == (text, kept.metadata)
    norm = math.sqrt(math.sumprod(kept.embedding, kept.embedding))
    assert found.embedding == pytest.approx([value / norm for value in kept.embedding], abs=1e-6)
    assert (found.embedding_model, found.embedding_dimension) == (MODEL, DIMENSION)
    await insert(provider, kept)
    assert (await provider.kept_stores())[0].store_id == STORE
    assert await found_ids(provider, "quoted", mode="keyword") == ["a"]


async def test_a_chunk_of_another_text_takes_the_place_of_its_id(provider: ShelvedStores) -> None:
    await insert(provider, chunk("a", "alpha"))
    await insert(provider, chunk("a", "beta"))
    assert await found_ids(provider, "alpha", mode="keyword") == []
    assert await found_ids(provider, "beta", mode="keyword") == ["a"]
    await provider.delete_chunks(delete("a", "unknown"))
    assert await found_ids(provider, "beta") == []


def delete(*chunk_ids: str) -> DeleteChunksRequest:
    chunks = [{"chunk_id": chunk_id, "document_id": ""} for chunk_id in chunk_ids]
    return DeleteChunksRequest.model_validate({"vector_store_id": STORE, "chunks": chunks})


async def test_documents_are_read_and_removed(provider: ShelvedStores) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"]))
    await insert(provider, *document("e", "h1", ["gamma"]))
    parts = await provider.openai_retrieve_vector_store_file_contents(
        STORE, "d", include_embeddings=True, include_metadata=True
    )
    assert [each.text for each in parts.data] == ["alpha", "beta"]
    assert all(len(each.embedding or ()) == DIMENSION for each in parts.data)
    assert (await provider.openai_delete_vector_store_file(STORE, "d")).deleted
    assert set(await listed(provider)) == {"e"}
    assert await found_ids(provider, "alpha", mode="keyword") == []
    described = await provider.openai_retrieve_vector_store(STORE)
    assert (described.file_counts.total, described.usage_bytes) == (1, len("gamma"))


FILTERS: tuple[dict[str, Any], ...] = (
    {"type": "eq", "key": "page", "value": 2},
    {"type": "eq", "key": "page", "value": "2"},
    {"type": "eq", "key": "flag", "value": True},
    {"type": "eq", "key": "flag", "value": 1},
    {"type": "ne", "key": "page", "value": 2},
    {"type": "gt", "key": "page", "value": 1},
    {"type": "gte", "key": "rate", "value": 0.5},
    {"type": "lt", "key": "name", "value": "b"},
    {"type": "lte", "key": "page", "value": 2},
    {"type": "gt", "key": "flag", "value": 0},
    {"type": "in", "key": "name", "value": ["a", "c"]},
    {"type": "in", "key": "name", "value": []},
    {"type": "nin", "key": "name", "value": ["a", 2]},
    {"type": "eq", "key": 'odd"key', "value": "it's"},
    {
        "type": "or",
        "filters": [
            {"type": "eq", "key": "name", "value": "a"},
            {
                "type": "and",
                "filters": [
                    {"type": "gt", "key": "page", "value": 1},
                    {"type": "ne", "key": "name", "value": "b"},
                ],
            },
        ],
    },
)
METADATA: tuple[dict[str, Any], ...] = (
    {},
    {"page": 1, "name": "a", "flag": True},
    {"page": 2, "name": "b", "flag": False, "rate": 0.5},
    {"page": 2.0, "name": "c", "rate": 1},
    {"page": "2", "name": "B", "rate": None},
    {"page": 3, 'odd"key': "it's", "flag": 1},
)


def passes(metadata: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Judge a filter in Python, to hold SQL against it."""
    kind = wanted["type"]
    if kind in {"and", "or"}:
        judged = [passes(metadata, each) for each in wanted["filters"]]
        return all(judged) if kind == "and" else any(judged)
    held, value = metadata.get(wanted["key"]), wanted["value"]
    if kind in {"ne", "nin"}:
        values = [value] if kind == "ne" else value
        return held is None or held not in values
    if held is None:
        return False
    if kind in {"eq", "in"}:
        return held in ([value] if kind == "eq" else value)
    if isinstance(held, str) != isinstance(value, str):
        return False
    order = {"gt": held > value, "gte": held >= value, "lt": held < value, "lte": held <= value}
    return order[kind]


@pytest.mark.parametrize("mode", MODES)
async def test_a_filter_lets_through_what_it_says_and_never_costs_results(
    provider: ShelvedStores, mode: str
) -> None:
    chunks = [chunk(f"c{index}", "alpha", **each) for index, each in enumerate(METADATA)]
    await insert(provider, *chunks)
    for wanted in FILTERS:
        expected = {f"c{index}" for index, each in enumerate(METADATA) if passes(each, wanted)}
        found = await found_ids(provider, "alpha", mode=mode, filters=wanted, max_chunks=50)
        assert set(found) == expected, wanted
    for wrong in ({"type": "like", "key": "a", "value": 1}, {"type": "eq"}, "x"):
        with pytest.raises(InvalidParameterError):
            await query(provider, "alpha", mode=mode, filters=wrong)


def randomly(seed: int, count: int) -> list[EmbeddedChunk]:
    chosen = random.Random(seed)
    words = [f"word{index}" for index in range(60)]
    return [
        chunk(
            f"r{index}",
            " ".join(chosen.choices(words, k=12)),
            vector=[chosen.gauss(0, 1) for _ in range(DIMENSION)],
            group=index % 7,
        )
        for index in range(count)
    ]


async def test_vectors_are_ranked_as_by_comparing_each_with_and_without_a_filter(
    provider: ShelvedStores,
) -> None:
    chunks = randomly(1, 600)
    await insert(provider, *chunks)
    asked = [random.Random(2).gauss(0, 1) for _ in range(DIMENSION)]
    for wanted in (None, {"type": "eq", "key": "group", "value": 3}):
        among = [each for each in chunks if wanted is None or each.metadata["group"] == 3]
        ranked = sorted(among, key=lambda each: -cosine(each.embedding, asked))[:20]
        found = await query(
            provider, "x", mode="vector", embedding=asked, filters=wanted, max_chunks=20
        )
        assert [chunk_id for chunk_id, _ in found] == [each.chunk_id for each in ranked]
        expected = [max(0.0, cosine(each.embedding, asked)) for each in ranked]
        assert [score for _, score in found] == pytest.approx(expected, abs=1e-5)


def cosine(one: list[float], other: list[float]) -> float:
    return math.sumprod(one, other) / math.sqrt(math.sumprod(one, one) * math.sumprod(other, other))


async def test_stores_are_kept_renamed_replaced_and_removed(
    provider: ShelvedStores, opened: OpenProvider
) -> None:
    await insert(provider, chunk("old", "alpha"))
    await provider.openai_update_vector_store(
        STORE, OpenAIUpdateVectorStoreRequest(name="Mine", metadata={"team": "docs"})
    )
    await provider.register_vector_store(store("next", model="words/small", dimension=2))
    small = chunk("new", "alpha", vector=[0.0, 1.0])
    await insert(
        provider, small.model_copy(update={"embedding_model": "words/small"}), store_id="next"
    )
    other = await opened()
    assert [each.store_id for each in await other.kept_stores()] == [STORE, "next"]
    await other.replace_vector_store(STORE, by="next")
    (kept,) = await provider.kept_stores()
    assert (kept.store_id, kept.name, kept.embedding_model) == (STORE, "Mine", "words/small")
    assert kept.wanted_model == MODEL
    found = await found_ids(provider, "x", mode="vector", embedding=[0.0, 2.0])
    assert found == ["new"]
    described = await provider.openai_retrieve_vector_store(STORE)
    assert described.metadata["team"] == "docs"
    for pair in ((STORE, "next"), ("next", STORE)):
        with pytest.raises(VectorStoreNotFoundError):
            await provider.replace_vector_store(pair[0], by=pair[1])
    await provider.openai_update_vector_store(
        STORE, OpenAIUpdateVectorStoreRequest(expires_after={"at": 1})
    )
    with pytest.raises(VectorStoreNotFoundError):
        await found_ids(provider, "alpha")
    assert (await other.openai_delete_vector_store(STORE)).deleted
    assert not (await provider.openai_delete_vector_store(STORE)).deleted
    with pytest.raises(VectorStoreNotFoundError):
        await found_ids(provider, "alpha")


async def test_a_writer_never_misses_a_store_that_is_replaced_meanwhile(
    provider: ShelvedStores, opened: OpenProvider
) -> None:
    other = await opened()

    async def replace_again() -> None:
        for turn in range(6):
            await provider.register_vector_store(store(f"next{turn}"))
            await provider.replace_vector_store(STORE, by=f"next{turn}")

    async with asyncio.TaskGroup() as tasks:
        replacing = tasks.create_task(replace_again())
        while not replacing.done():
            await insert(other, chunk("a", "alpha"))
    await insert(other, *document("d", "h1", ["alpha"]))
    assert set(await listed(provider)) == {"d"}


@pytest.mark.attack(77)
async def test_a_filled_store_goes_on_with_its_model_and_an_empty_one_takes_another_on(
    provider: ShelvedStores, opened: OpenProvider
) -> None:
    await provider.register_vector_store(store("empty"))
    await insert(provider, chunk("a", "alpha", vector=[]), store_id="empty")
    await insert(provider, chunk("a", "alpha"))
    embedder = WordEmbedder()
    other = await opened(embedder)
    await other.register_vector_store(store(model="words/small", dimension=2))
    await other.register_vector_store(store("empty", model="words/small", dimension=2))
    filled, empty = await other.kept_stores()
    assert (filled.embedding_model, filled.wanted_model) == (MODEL, "words/small")
    assert (empty.embedding_model, empty.embedding_dimension) == ("words/small", 2)
    assert await found_ids(other, "alpha", mode="vector") == ["a"]
    small = chunk("a", "alpha", vector=[1.0, 0.0]).model_copy(
        update={"embedding_model": "words/small"}
    )
    await insert(other, small, store_id="empty")
    with pytest.raises(InvalidParameterError, match="index the documents anew"):
        await insert(other, small)
    embedder.failure = ModelNotFoundError(MODEL)
    with pytest.raises(ConflictError, match="not there any more"):
        await found_ids(other, "alpha")


async def test_another_process_never_sees_a_mix_of_two_versions(
    provider: ShelvedStores, opened: OpenProvider
) -> None:
    other = await opened()

    async def replace() -> None:
        for turn in range(8):
            await insert(provider, *document("d", f"h{turn}", ["alpha"] * (turn % 3 + 1)))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(replace())
        while not writing.done():
            found = await found_ids(other, "alpha", mode="keyword")
            versions = {chunk_id.split("-")[1] for chunk_id in found}
            assert len(versions) <= 1
            if found:
                assert len(found) == int(next(iter(versions))[1:]) % 3 + 1


CUTS = (2, 3, 4, 6)


@pytest.mark.requirement("ingest.atomic")
@pytest.mark.parametrize("mode", MODES)
async def test_a_document_that_is_cut_otherwise_is_always_found_and_never_mixed(
    provider: ShelvedStores, opened: OpenProvider, mode: str
) -> None:
    other = await opened()
    await insert(provider, *cut_into(1))

    async def cut_again() -> None:
        for turn in range(12):
            await insert(provider, *cut_into(CUTS[turn % len(CUTS)]))

    async with asyncio.TaskGroup() as tasks:
        cutting = tasks.create_task(cut_again())
        while not cutting.done():
            found = await found_ids(other, "alpha", mode=mode, max_chunks=50)
            pieces = {int(chunk_id.split("-")[1]) for chunk_id in found}
            assert len(pieces) == 1, found
            assert [len(found)] == list(pieces)
    assert (await listed(provider))["d"]["chunks"] == CUTS[-1]


@pytest.mark.requirement("ingest.atomic")
async def test_what_comes_whole_keeps_its_vectors_and_leaves_other_documents_alone(
    provider: ShelvedStores,
) -> None:
    await insert(provider, *cut_into(2), *cut_into(3, document_id="e"), chunk("loose", "alpha"))
    (first, second) = cut_into(2)
    first.metadata |= {"source_attributes": {"pages": [[1, 0, 5]]}, "title": "Renamed"}
    third = chunk("d-new", "beta", document_id="d", content_hash="h1", start=90)
    pending = second.model_copy(update={"embedding": []})
    await insert(provider, first, pending, third)
    held = await listed(provider)
    assert {name: (each["chunks"], each["pending"]) for name, each in held.items()} == {
        "d": (3, 0),
        "e": (3, 0),
    }
    assert held["d"]["title"] == "Renamed"
    (text,) = (await provider.openai_retrieve_vector_store_file_contents(STORE, "d")).data
    assert text.metadata == {"pages": [[1, 0, 5]]}
    first.metadata["source_attributes"] = "no object"
    with pytest.raises(InvalidParameterError, match="source_attributes"):
        await insert(provider, first)
    assert len(await found_ids(provider, "alpha beta", mode="keyword", max_chunks=50)) == 7


@pytest.mark.attack(79)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e308])
async def test_vectors_without_a_direction_to_compare_are_refused_at_the_insert(
    provider: ShelvedStores, number: float
) -> None:
    with pytest.raises(InvalidParameterError, match="finite"):
        await insert(provider, chunk("a", "alpha", vector=[number] * DIMENSION))
    assert await found_ids(provider, "alpha", mode="keyword") == []


@pytest.mark.attack(79)
async def test_zero_vectors_are_found_last_and_in_a_stable_order(provider: ShelvedStores) -> None:
    zero = [0.0] * DIMENSION
    await insert(provider, *(chunk(f"z{index}", "alpha", vector=zero) for index in range(3)))
    await insert(provider, chunk("a", "alpha"))
    expected = [("a", pytest.approx(1.0)), ("z0", 0.0), ("z1", 0.0), ("z2", 0.0)]
    for _ in range(2):
        assert await query(provider, "alpha", mode="vector") == expected
        assert await query(provider, "x", mode="vector", embedding=zero) == []
        hybrid = await found_ids(provider, "alpha", embedding=zero)
        assert hybrid == ["z0", "z1", "z2", "a"]


@pytest.mark.attack(79)
@pytest.mark.parametrize("number", [math.nan, math.inf])
async def test_a_question_whose_vector_is_no_number_is_refused_or_answered_by_keyword(
    provider: ShelvedStores, embedder: WordEmbedder, number: float
) -> None:
    await insert(provider, chunk("a", "alpha"))
    for mode in ("vector", "hybrid"):
        with pytest.raises(InvalidParameterError, match="finite"):
            await query(provider, "alpha", mode=mode, embedding=[number] * DIMENSION)
    embedder.answers_with = [number] * DIMENSION
    assert await found_ids(provider, "alpha", mode="hybrid") == ["a"]
    with pytest.raises(ValueError, match="not finite"):
        await query(provider, "alpha", mode="vector")


@pytest.mark.attack(79)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "question",
    ["", " \n\t", "\0", "'\"\\;--%_", "the of and", "a" * 1_000_000, "alpha " * 170_000],
    ids=["empty", "blank", "nul", "signs", "stop words", "one word", "many words"],
)
async def test_no_question_crashes_and_its_answer_is_stable(
    provider: ShelvedStores, mode: str, question: str
) -> None:
    await insert(provider, chunk("a", "alpha"), chunk("b", "beta"))
    first = await query(provider, question, mode=mode)
    assert await query(provider, question, mode=mode) == first
    assert {chunk_id for chunk_id, _ in first} <= {"a", "b"}
    if question.startswith("alpha"):
        assert first[0][0] == "a"


@pytest.mark.attack(79)
async def test_vectors_of_another_length_are_refused(provider: ShelvedStores) -> None:
    await insert(provider, chunk("a", "alpha"))
    with pytest.raises(InvalidParameterError, match=f"vectors of {DIMENSION} numbers"):
        await insert(provider, chunk("b", "beta", vector=[1.0, 2.0]))
    with pytest.raises(InvalidParameterError, match=f"has dimension {DIMENSION}"):
        await query(provider, "alpha", mode="vector", embedding=[1.0, 2.0])


async def test_a_chunk_of_a_megabyte_is_stored_and_found(provider: ShelvedStores) -> None:
    text = " ".join(f"word{index}" for index in range(120_000))
    await insert(provider, chunk("big", text, vector=embed("alpha")))
    assert await found_ids(provider, "word7", mode="keyword") == ["big"]


GERMAN = "Die Datenbanken werden jede Nacht gesichert. Häuser ohne Strom bleiben dunkel."
JAPANESE = "データベースは毎晩バックアップされます。証明書は自動的に更新されます。"
CHINESE = "数据库每天晚上自动备份。证书在到期前三十天自动更新。"
ENGLISH = "The databases are backed up every night. Certificates are renewed automatically."


@pytest.mark.requirement("stores.languages")
async def test_questions_in_each_language_find_its_text(provider: ShelvedStores) -> None:
    await insert(
        provider,
        chunk("de", GERMAN, language="de"),
        chunk("ja", JAPANESE, language="ja"),
        chunk("zh", CHINESE, language="zh-Hans"),
        chunk("en", ENGLISH, language="en"),
        chunk("unknown", "Nothing of the kind."),
    )
    for question, expected in (
        ("Wann wird die Datenbank gesichert?", "de"),
        ("Haus", "de"),
        ("証明書の更新", "ja"),
        ("毎晩のバックアップ", "ja"),
        ("数据库备份", "zh"),
        ("证书什么时候更新", "zh"),
        ("renewing a certificate", "en"),
        ("backing up databases", "en"),
    ):
        found = await found_ids(provider, question, mode="keyword")
        assert found[:1] == [expected], (question, found)


@pytest.mark.requirement("stores.languages")
async def test_the_configured_language_serves_texts_that_do_not_tell_theirs(
    opened: OpenProvider,
) -> None:
    provider = await opened(keyword_language="german")
    await provider.register_vector_store(store())
    await insert(provider, chunk("de", GERMAN), chunk("en", ENGLISH, language="en"))
    assert (await found_ids(provider, "Datenbank", mode="keyword")) == ["de"]
    assert (await found_ids(provider, "certificate renewal", mode="keyword")) == ["en"]
