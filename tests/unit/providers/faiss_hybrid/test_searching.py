import logging
import math
import random
import sqlite3
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_stack_api import (
    ChunkForDeletion,
    ConflictError,
    DeleteChunksRequest,
    EmbeddedChunk,
    InterleavedContentItem,
    InvalidParameterError,
    OpenAISearchVectorStoreRequest,
    QueryChunksRequest,
    SearchRankingOptions,
    TextContentItem,
    VectorStoreNotFoundError,
)

from lightspeed_stack_providers.faiss_hybrid import FaissHybrid, schema, stores
from lightspeed_stack_providers.faiss_hybrid.search import Searcher
from lightspeed_stack_providers.faiss_hybrid.writing import Changes
from lightspeed_stack_providers.vector_stores import chunks as new_chunks
from lightspeed_stack_providers.vector_stores.query import Mode, SearchQuery
from tests.unit.providers.faiss_hybrid.parts import (
    DIMENSION,
    MODEL,
    STORE,
    WordEmbedder,
    chunk,
    document,
    embed,
    found_ids,
    insert,
    open_store,
    query,
)

MODES: list[Mode] = ["vector", "keyword", "hybrid"]


async def test_a_word_is_found_in_its_other_forms(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "Configuring the clusters"), chunk("b", "A quick restart"))
    question = "How do I configure a cluster?"
    assert await found_ids(provider, question, mode="keyword") == ["a"]


async def test_words_of_another_language_have_their_own_forms(
    path: Path, embedder: WordEmbedder
) -> None:
    async with open_store(path, embedder, keyword_language="german") as german:
        await insert(german, chunk("a", "Die Häuser der Stadt"), chunk("b", "Das Meer"))
        assert await found_ids(german, "das Haus", mode="keyword") == ["a"]


async def test_a_question_of_stop_words_alone_searches_for_them(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "to be or not"), chunk("b", "alpha"))
    assert await found_ids(provider, "to be or not to be", mode="keyword") == ["a"]


@pytest.mark.parametrize("where", ["title", "heading"])
async def test_a_word_above_the_text_counts_more_than_one_in_it(
    provider: FaissHybrid, where: str
) -> None:
    def titled(chunk_id: str, text: str, title: str) -> EmbeddedChunk:
        made = chunk(chunk_id, text)
        made.metadata[where] = title
        return made

    await insert(
        provider,
        titled("text", "backup of things", "Other"),
        titled("above", "some of things", "Backup"),
        titled("neither", "none of these", "Third"),
    )
    assert await found_ids(provider, "backup", mode="keyword") == ["above", "text"]


async def test_syntax_of_query_languages_is_plain_text(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha beta"))
    for text in ['title:alpha AND (beta" OR', "alpha* -beta^2 ~", "'; DROP TABLE chunks"]:
        found = await found_ids(provider, text, mode="keyword")
        assert found == (["a"] if "alpha" in text else [])
    assert await found_ids(provider, "?!", mode="keyword") == []
    assert await found_ids(provider, "", mode="hybrid") == []


async def test_the_nearest_vectors_come_first(provider: FaissHybrid) -> None:
    await insert(provider, chunk("far", "delta"), chunk("near", "alpha beta"), chunk("it", "alpha"))
    found = await query(provider, "alpha", mode="vector")
    assert [chunk_id for chunk_id, _ in found] == ["it", "near", "far"]
    assert [score for _, score in found] == pytest.approx([1.0, 1 / math.sqrt(2), 0.0])


async def test_hybrid_search_finds_what_either_way_finds(provider: FaissHybrid) -> None:
    await insert(
        provider,
        chunk("both", "alpha"),
        chunk("word", "alpha beta", vector=[]),
        chunk("vector", "gamma", vector=embed("alpha")),
    )
    found = dict(await query(provider, "alpha", mode="hybrid"))
    assert found["both"] == pytest.approx(1.0)
    assert found.keys() == {"both", "word", "vector"}
    assert await found_ids(provider, "alpha") == await found_ids(provider, "alpha", mode="hybrid")


async def test_results_carry_all_metadata_and_vectors_on_demand(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha"]))

    async def first(**params: object) -> object:
        request = QueryChunksRequest(vector_store_id=STORE, query="alpha", params=dict(params))
        return (await provider.query_chunks(request)).chunks[0]

    found = await first()
    assert isinstance(found, type(chunk("a", "b")))
    assert found.metadata == {
        "document_id": "d",
        "content_hash": "h1",
        "start": 0,
        "title": "Title of d",
    }
    assert (found.content, found.embedding, found.embedding_model) == ("alpha", [], MODEL)
    assert found.chunk_metadata.chunk_id == "d-h1-0"
    with_vector = await first(include_embeddings=True)
    assert isinstance(with_vector, type(found))
    assert with_vector.embedding == pytest.approx(embed("alpha"))


@pytest.mark.parametrize("mode", MODES)
async def test_a_filter_never_costs_results(provider: FaissHybrid, mode: Mode) -> None:
    await insert(
        provider,
        *[chunk(f"noise{i}", "alpha", product="x", page=i) for i in range(80)],
        *[chunk(f"wanted{i}", "alpha beta gamma", product="y", page=i) for i in range(5)],
    )
    only_y = {"type": "eq", "key": "product", "value": "y"}
    found = await found_ids(provider, "alpha", mode=mode, max_chunks=5, filters=only_y)
    assert sorted(found) == [f"wanted{i}" for i in range(5)]
    both = {"type": "and", "filters": [only_y, {"type": "gte", "key": "page", "value": 3}]}
    assert sorted(await found_ids(provider, "alpha", mode=mode, filters=both)) == [
        "wanted3",
        "wanted4",
    ]
    nothing = {"type": "eq", "key": "product", "value": "z"}
    assert await found_ids(provider, "alpha", mode=mode, filters=nothing) == []


async def test_a_filter_sees_what_was_inserted_since(provider: FaissHybrid) -> None:
    only_x = {"type": "eq", "key": "product", "value": "x"}
    await insert(provider, chunk("a", "alpha", product="x"))
    assert await found_ids(provider, "alpha", filters=only_x) == ["a"]
    await insert(provider, chunk("b", "alpha", product="x"), chunk("c", "alpha", product="y"))
    assert sorted(await found_ids(provider, "alpha", filters=only_x)) == ["a", "b"]


async def test_a_filter_sees_what_was_removed_and_replaced_since(provider: FaissHybrid) -> None:
    only_x = {"type": "eq", "key": "product", "value": "x"}
    await insert(provider, *[chunk(f"c{i}", "alpha", product="xy"[i % 2]) for i in range(6)])
    assert sorted(await found_ids(provider, "alpha", filters=only_x)) == ["c0", "c2", "c4"]
    request = DeleteChunksRequest(
        vector_store_id=STORE,
        chunks=[ChunkForDeletion(chunk_id="c0", document_id="")],
    )
    await provider.delete_chunks(request)
    await insert(provider, chunk("c1", "alpha", product="x"), chunk("c4", "alpha", product="y"))
    for mode in MODES:
        found = await found_ids(provider, "alpha", mode=mode, filters=only_x)
        assert sorted(found) == ["c1", "c2"]


@pytest.mark.parametrize("mode", ["vector", "keyword"])
async def test_a_filtered_search_finds_the_best_of_those_that_pass(
    provider: FaissHybrid, mode: Mode
) -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    chosen = random.Random(1)
    texts = [" ".join(chosen.choices(words, k=chosen.randint(1, 9))) for _ in range(300)]
    await insert(
        provider,
        *[chunk(f"c{i:03}", text, rare=i % 60 == 7, even=i % 2) for i, text in enumerate(texts)],
        chunk("pending", "alpha beta", vector=[], rare=True, even=1),
    )
    for key, value in (("rare", True), ("even", 1)):
        wanted = {"type": "eq", "key": key, "value": value}
        everything = dict(await query(provider, "alpha beta", mode=mode, max_chunks=400))
        passing = await query(provider, "alpha beta", mode=mode, max_chunks=400, filters=wanted)
        best = await query(provider, "alpha beta", mode=mode, max_chunks=5, filters=wanted)
        assert len(best) == 5
        assert [score for _, score in best] == pytest.approx([score for _, score in passing[:5]])
        assert dict(passing) == pytest.approx({name: everything[name] for name, _ in passing})
        assert len(passing) >= (5 if key == "rare" else 100)


async def test_a_filtered_search_by_words_looks_deeper_where_the_best_do_not_pass(
    provider: FaissHybrid,
) -> None:
    await insert(
        provider,
        *[chunk(f"strong{i:03}", "alpha", product="x") for i in range(300)],
        *[chunk(f"weak{i:03}", "alpha beta gamma", product="y") for i in range(300)],
    )
    weak = {"type": "eq", "key": "product", "value": "y"}
    found = await found_ids(provider, "alpha", mode="keyword", max_chunks=20, filters=weak)
    assert found == [f"weak{i:03}" for i in range(20)]


async def test_many_filters_are_answered_one_after_another(provider: FaissHybrid) -> None:
    await insert(provider, *[chunk(f"c{i}", "alpha", page=i) for i in range(40)])
    for page in range(40):
        wanted = {"type": "eq", "key": "page", "value": page}
        assert await found_ids(provider, "alpha", filters=wanted) == [f"c{page}"]


@pytest.mark.parametrize("mode", MODES)
async def test_results_below_the_threshold_are_left_out(provider: FaissHybrid, mode: Mode) -> None:
    await insert(provider, chunk("a", "alpha"), chunk("b", "alpha beta gamma delta epsilon"))
    scores = [score for _, score in await query(provider, "alpha", mode=mode)]
    assert len(scores) == 2
    between = sum(scores) / 2
    assert await found_ids(provider, "alpha", mode=mode, score_threshold=between) == ["a"]


async def test_hybrid_search_goes_on_by_keyword_while_the_model_fails(
    provider: FaissHybrid, embedder: WordEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    await insert(provider, chunk("a", "alpha"))
    embedder.failure = RuntimeError("no model here")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await query(provider, "alpha", mode="hybrid") == [("a", pytest.approx(0.5))]
    assert [record.message for record in caplog.records] == [
        "question not embedded, searched by keyword alone"
    ]
    with pytest.raises(RuntimeError, match="no model here"):
        await query(provider, "alpha", mode="vector")
    embedder.failure = None
    assert await query(provider, "alpha", mode="hybrid") == [("a", pytest.approx(1.0))]


async def test_a_model_that_changed_its_dimension_is_told_so(
    provider: FaissHybrid, embedder: WordEmbedder
) -> None:
    await insert(provider, chunk("a", "alpha"))
    embedder.answers_with = [1.0, 0.0]
    with pytest.raises(ConflictError, match="Restore the model"):
        await query(provider, "alpha", mode="vector")


async def test_the_question_is_not_embedded_where_nothing_can_be_found_by_vector(
    provider: FaissHybrid, embedder: WordEmbedder
) -> None:
    await insert(provider, chunk("a", "alpha", vector=[]))
    assert await found_ids(provider, "alpha", mode="hybrid") == ["a"]
    assert await found_ids(provider, "alpha", mode="keyword") == ["a"]
    assert embedder.requests == []


async def test_a_vector_that_the_caller_has_is_used(
    provider: FaissHybrid, embedder: WordEmbedder
) -> None:
    await insert(provider, chunk("a", "alpha"), chunk("b", "beta"))
    found = await found_ids(provider, "x", mode="vector", embedding=embed("beta"), max_chunks=1)
    assert found == ["b"]
    assert embedder.requests == []
    with pytest.raises(InvalidParameterError, match="has dimension 16"):
        await query(provider, "x", mode="vector", embedding=[1.0])
    assert await query(provider, "x", mode="vector", embedding=[0.0] * DIMENSION) == []


async def test_questions_are_marked_for_models_that_want_it(
    path: Path, embedder: WordEmbedder
) -> None:
    async with open_store(path, embedder, mark_queries=True) as marking:
        await insert(marking, chunk("a", "alpha"))
        await query(marking, "alpha")
    [request] = embedder.requests
    assert request.model == MODEL
    assert request.model_extra == {"input_type": "query"}


async def test_a_search_in_the_words_of_openai_answers_in_them(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"]), chunk("x", "x", tags=["a"]))
    request = OpenAISearchVectorStoreRequest(
        query=["alpha", "one"], search_mode="keyword", max_num_results=1
    )
    page = await provider.openai_search_vector_store(STORE, request)
    assert page.search_query == ["alpha one"]
    [found] = page.data
    assert (found.file_id, found.filename) == ("d", "Title of d")
    assert found.content[0].text == "alpha"
    assert found.attributes is not None
    assert found.attributes["content_hash"] == "h1"
    assert 0 < found.score < 1
    plain = OpenAISearchVectorStoreRequest(query="x", search_mode="keyword")
    [found] = (await provider.openai_search_vector_store(STORE, plain)).data
    assert (found.file_id, found.attributes) == ("", {})


async def test_a_ranker_that_does_not_exist_here_is_refused(provider: FaissHybrid) -> None:
    options = SearchRankingOptions(ranker="neural", model="m")
    request = OpenAISearchVectorStoreRequest(query="alpha", ranking_options=options)
    with pytest.raises(InvalidParameterError, match="rrf"):
        await provider.openai_search_vector_store(STORE, request)


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "fuzzy"},
        {"max_chunks": 0},
        {"max_chunks": "many"},
        {"score_threshold": "high"},
        {"embedding": "AAAA"},
        {"embedding": ["a"]},
        {"filters": {"type": "like"}},
    ],
)
async def test_a_parameter_that_is_wrong_is_named(
    provider: FaissHybrid, params: dict[str, object]
) -> None:
    await insert(provider, chunk("a", "alpha"))
    with pytest.raises(InvalidParameterError, match=next(iter(params))):
        await query(provider, "alpha", **params)


async def test_more_results_than_there_are_may_be_asked_for(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha"))
    for mode in MODES:
        assert await found_ids(provider, "alpha", mode=mode, max_chunks=10**12) == ["a"]


async def test_a_question_may_come_in_parts(provider: FaissHybrid) -> None:
    await insert(provider, chunk("a", "alpha beta"))
    parts: list[InterleavedContentItem] = [
        TextContentItem(text="alpha"),
        TextContentItem(text="beta"),
    ]
    request = QueryChunksRequest(vector_store_id=STORE, query=parts, params={"mode": "keyword"})
    assert len((await provider.query_chunks(request)).chunks) == 1


async def test_an_unknown_store_is_named(provider: FaissHybrid) -> None:
    with pytest.raises(VectorStoreNotFoundError, match="'nowhere'"):
        await provider.query_chunks(QueryChunksRequest(vector_store_id="nowhere", query="alpha"))


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Generator[sqlite3.Connection]:
    opened = schema.connect(tmp_path_factory.mktemp("bounds") / "k.db")
    yield opened
    opened.close()


words = st.lists(
    st.sampled_from(["alpha", "beta", "gamma", "the", "of", "?", "Ünï"]), max_size=6
).map(" ".join)
vectors = st.one_of(
    st.just([]),
    st.lists(
        st.floats(-1e6, 1e6, allow_nan=False, width=32), min_size=DIMENSION, max_size=DIMENSION
    ),
)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.tuples(words, vectors), max_size=6),
    question=words,
    vector=vectors,
    mode=st.sampled_from(MODES),
)
def test_scores_are_between_none_and_one_and_fall(
    connection: sqlite3.Connection,
    texts: list[tuple[str, list[float]]],
    question: str,
    vector: list[float],
    mode: Mode,
) -> None:
    connection.execute("BEGIN")
    stores.register(connection, STORE, name=STORE, model=MODEL, dimension=DIMENSION)
    changes = Changes(connection, stores.get(connection, STORE))
    chunks = [chunk(f"c{i}", text, vector=own) for i, (text, own) in enumerate(texts)]
    changes.insert(*new_chunks.read(chunks, stores.get(connection, STORE)))
    changes.finish()
    store_key = stores.get(connection, STORE).store_key
    wanted = SearchQuery(
        store_id=STORE, text=question, mode=mode, vector=vector or None, store_key=store_key
    )
    found = Searcher("english").search(connection, wanted)
    assert found is not None
    connection.execute("ROLLBACK")
    scores = [score for _, score in found]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len({each.chunk_id for each, _ in found}) == len(found)
