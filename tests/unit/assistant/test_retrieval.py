"""Retrieval asks the right stores, merges what they find and survives the loss of one."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from lightspeed_core.assistant.retrieval import (
    choose_stores,
    referenced_documents,
    retrieve,
    wait_for_text,
)
from lightspeed_core.domain.retrieval import Chunk, RagChunk, ReferencedDocument, SourceDocument
from lightspeed_core.errors import EngineUnavailable, NotFound
from tests.support.scripted_engine import ScriptedEngine, store_info


async def engine_with(**stores: dict[str, str]) -> ScriptedEngine:
    """Build an engine whose stores hold documents of one chunk each, given by title."""
    engine = ScriptedEngine()
    for store_id, documents in stores.items():
        engine.add_store(store_info(store_id))
        for title, text in documents.items():
            document = SourceDocument(
                document_id=f"{store_id}/{title}",
                text=text,
                content_hash=hashlib.sha256(text.encode()).hexdigest(),
                title=title,
                url=f"https://example.com/{title}",
            )
            chunk = Chunk(
                chunk_id=f"{title}#0",
                document_id=document.document_id,
                content=text,
                start=0,
                end=len(text),
            )
            await engine.insert_document(store_id, document, [chunk])
    return engine


@dataclass
class HalfDead(ScriptedEngine):
    """An engine whose stores of the given names fail."""

    dead: set[str] = field(default_factory=set[str])

    async def search(self, store_id: str, query: str, **options: Any) -> list[RagChunk]:
        if store_id in self.dead:
            raise EngineUnavailable(f"{store_id} is gone")
        return await super().search(store_id, query, **options)


@pytest.mark.requirement("retrieval.stores")
@pytest.mark.parametrize(
    ("requested", "configured", "expected"),
    [
        (None, None, ("a", "b")),
        (None, ("b",), ("b",)),
        (None, (), ()),
        (None, ("okp", "b"), ("b",)),
        (None, ("okp",), ()),
        (("b",), ("a",), ("b",)),
        (("b", "a", "b"), None, ("b", "a")),
        ((), ("a",), ()),
    ],
)
async def test_the_request_decides_before_the_configuration(
    requested: tuple[str, ...] | None,
    configured: tuple[str, ...] | None,
    expected: tuple[str, ...],
) -> None:
    engine = await engine_with(a={}, b={})
    stores = await choose_stores(engine, requested=requested, configured=configured, no_tools=False)
    assert stores == expected


@pytest.mark.requirement("retrieval.stores")
async def test_without_tools_no_store_is_searched() -> None:
    engine = await engine_with(a={})
    stores = await choose_stores(engine, requested=("a",), configured=None, no_tools=True)
    assert stores == ()


async def test_an_unknown_store_is_not_found() -> None:
    engine = await engine_with(a={})
    with pytest.raises(NotFound) as caught:
        await choose_stores(engine, requested=("a", "x"), configured=None, no_tools=False)
    assert caught.value.resource_id == "x"


async def test_the_best_chunks_of_all_stores_come_first() -> None:
    engine = await engine_with(
        a={"one": "port of the service", "two": "the port"},
        b={"three": "the port of this service host"},
    )
    found = await retrieve(engine, "service host port", ("a", "b"), max_chunks=2)
    assert [chunk.title for chunk in found.chunks] == ["three", "one"]
    assert found.warnings == ()
    assert engine.searches == [
        ("a", "service host port", 2, None),
        ("b", "service host port", 2, None),
    ]


async def test_a_text_found_twice_counts_once() -> None:
    engine = await engine_with(a={"one": "service port"}, b={"copy": "service port\n"})
    found = await retrieve(engine, "service", ("a", "b"))
    assert [chunk.title for chunk in found.chunks] == ["one"]


async def test_no_store_means_no_search() -> None:
    engine = await engine_with(a={"one": "service"})
    found = await retrieve(engine, "service", ())
    assert (found.chunks, engine.searches) == ((), [])


@pytest.mark.requirement("retrieval.failure")
async def test_a_dead_store_costs_a_warning() -> None:
    engine = HalfDead(dead={"b"})
    engine.add_store(store_info("a"))
    found = await retrieve(engine, "service", ("a", "b"))
    (warning,) = found.warnings
    assert (warning.code, warning.server) == ("vector_store_failed", None)
    assert warning.message == "Vector store b could not be searched: b is gone"


async def test_without_any_living_store_the_engine_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable, match="a is gone"):
        await retrieve(HalfDead(dead={"a", "b"}), "service", ("a", "b"))


async def test_stores_are_searched_at_the_same_time() -> None:
    barrier = asyncio.Barrier(2)

    class Waiting(ScriptedEngine):
        async def search(self, store_id: str, query: str, **options: Any) -> list[RagChunk]:
            await barrier.wait()
            return await super().search(store_id, query, **options)

    engine = Waiting()
    engine.add_store(store_info("a"))
    engine.add_store(store_info("b"))
    async with asyncio.timeout(5):
        await retrieve(engine, "service", ("a", "b"))
    assert len(engine.searches) == 2


def test_a_document_is_listed_once_by_url_and_title() -> None:
    def chunk(number: int, title: str, url: str | None) -> RagChunk:
        return RagChunk(
            chunk_id=str(number),
            document_id=f"d{number}",
            content=str(number),
            score=None,
            store_id="a",
            source="docs",
            title=title,
            url=url,
        )

    chunks = [chunk(1, "A", "u"), chunk(2, "A", "u"), chunk(3, "A", None), chunk(4, "B", "u")]
    assert referenced_documents(chunks) == (
        ReferencedDocument(doc_url="u", doc_title="A", source="docs", document_id="d1"),
        ReferencedDocument(doc_url=None, doc_title="A", source="docs", document_id="d3"),
        ReferencedDocument(doc_url="u", doc_title="B", source="docs", document_id="d4"),
    )


async def test_a_search_waits_for_the_text_of_a_first_start() -> None:
    stored = asyncio.Event()
    waiting = asyncio.ensure_future(wait_for_text(stored))
    await asyncio.sleep(0)
    assert not waiting.done()

    stored.set()

    await asyncio.wait_for(waiting, 5)
