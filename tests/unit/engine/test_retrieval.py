"""How found chunks of any store become one kind of chunk."""

from typing import Any

import pytest

from lightspeed_core.engine.llama_stack.retrieval import URL_KEYS, search
from lightspeed_core.engine.llama_stack.stack import Scored
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.errors import InvalidRequest, NotFound
from tests.support.memory_stack import MemoryStack, provider, store

HYBRID, PLAIN = "inline::faiss_hybrid", "inline::faiss"


def stack_with(provider_type: str, *found: Scored) -> MemoryStack:
    return MemoryStack(
        listed_providers=[provider("db", provider_type, "vector_io")],
        listed_stores=[store("docs", "db"), store("orphan", "gone")],
        found=[list(found)],
    )


def found(score: float | None = 0.5, content: Any = "text", **metadata: Any) -> Scored:
    chunk = {"chunk_id": "c1", "content": content, "metadata": metadata, "chunk_metadata": None}
    return Scored(chunk, score)


@pytest.mark.parametrize("key", URL_KEYS)
async def test_the_address_is_found_under_each_of_its_names(key: str):
    metadata: dict[str, Any] = {key: "https://example.com"}
    stack = stack_with(PLAIN, found(**metadata))
    (chunk,) = await search(stack, "docs", "q", limit=1)
    assert chunk.url == "https://example.com"


async def test_what_the_chunk_knows_of_its_document_is_kept():
    stack = stack_with(
        HYBRID,
        found(
            document_id="d1",
            title="T",
            source="S",
            content_hash="h",
            start=3,
            end=7,
            heading="A > B",
            source_text="long text",
        ),
    )
    (chunk,) = await search(stack, "docs", "q", limit=1)
    assert (chunk.document_id, chunk.title, chunk.source) == ("d1", "T", "S")
    assert (chunk.content_hash, chunk.start, chunk.end) == ("h", 3, 7)
    assert chunk.attributes == {"source": "S", "heading": "A > B"}


async def test_without_a_source_the_store_is_the_source():
    (chunk,) = await search(stack_with(PLAIN, found()), "docs", "q", limit=1)
    assert chunk.source == "name of docs"
    assert chunk.title is None


@pytest.mark.parametrize(
    ("provider_type", "score", "expected"),
    [
        (HYBRID, 0.25, 0.25),
        (HYBRID, 1.5, 1.0),
        (PLAIN, 1.0, 0.5),
        (PLAIN, 3.0, 0.75),
        (PLAIN, float("inf"), 1.0),
        (PLAIN, None, 1.0),
        (PLAIN, -2.0, 0.0),
    ],
)
async def test_every_score_is_between_nothing_and_one(
    provider_type: str, score: float | None, expected: float
):
    (chunk,) = await search(stack_with(provider_type, found(score)), "docs", "q", limit=1)
    assert chunk.score == expected


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ({"type": "text", "text": "part"}, "part"),
        ([{"type": "text", "text": "two"}, "parts"], "two parts"),
        (7, ""),
    ],
)
async def test_interleaved_content_becomes_text(content: Any, text: str):
    (chunk,) = await search(stack_with(PLAIN, found(content=content)), "docs", "q", limit=1)
    assert chunk.content == text


@pytest.mark.parametrize(("provider_type", "mode"), [(HYBRID, "hybrid"), (PLAIN, "vector")])
async def test_the_best_mode_of_the_store_is_used(provider_type: str, mode: str):
    stack = stack_with(provider_type)
    await search(stack, "docs", "q", limit=4, filters={"type": "eq", "key": "a", "value": 1})
    ((_, (store_id, query, params)),) = stack.asked
    assert (store_id, query) == ("docs", "q")
    assert params == {
        "max_chunks": 4,
        "mode": mode,
        "filters": {"type": "eq", "key": "a", "value": 1},
    }


async def test_a_mode_that_the_store_lacks_is_refused():
    with pytest.raises(InvalidRequest, match="serves vector, not keyword"):
        await search(stack_with(PLAIN), "docs", "q", limit=1, mode=SearchMode.KEYWORD)


@pytest.mark.parametrize("store_id", ["none", "orphan"])
async def test_a_store_that_nobody_serves_is_not_found(store_id: str):
    stack = stack_with(PLAIN, found())
    with pytest.raises(NotFound):
        await search(stack, store_id, "q", limit=1)
    assert stack.asked == []
