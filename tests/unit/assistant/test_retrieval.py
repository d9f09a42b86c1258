"""Retrieval asks the right stores, merges what they find and survives the loss of one."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.retrieval import referenced_documents, retrieve, wait_for_text
from lightspeed_core.assistant.sources import Source
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import TurnCompleted
from lightspeed_core.domain.retrieval import Chunk, RagChunk, ReferencedDocument, SourceDocument
from lightspeed_core.errors import EngineUnavailable
from tests.support.assistants import all_events, caller, wired_assistant
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


def source(store_id: str, **settings: Any) -> Source:
    return Source(name=settings.pop("name", store_id), store=store_info(store_id), **settings)


A, B = source("a"), source("b")


async def test_the_best_chunks_of_all_stores_come_first() -> None:
    engine = await engine_with(
        a={"one": "port of the service", "two": "the port"},
        b={"three": "the port of this service host"},
    )
    found = await retrieve(engine, "service host port", (A, B), max_chunks=2)
    assert [chunk.title for chunk in found.chunks] == ["three", "one"]
    assert found.warnings == ()
    assert engine.searches == [
        ("a", "service host port", 2, None),
        ("b", "service host port", 2, None),
    ]


async def test_a_text_found_twice_counts_once() -> None:
    engine = await engine_with(a={"one": "service port"}, b={"copy": "service port\n"})
    found = await retrieve(engine, "service", (A, B))
    assert [chunk.title for chunk in found.chunks] == ["one"]


async def test_no_store_means_no_search() -> None:
    engine = await engine_with(a={"one": "service"})
    found = await retrieve(engine, "service", ())
    assert (found.chunks, engine.searches) == ((), [])


@pytest.mark.requirement("retrieval.failure")
async def test_a_dead_store_costs_a_warning() -> None:
    engine = HalfDead(dead={"b"})
    engine.add_store(store_info("a"))
    found = await retrieve(engine, "service", (A, B))
    (warning,) = found.warnings
    assert (warning.code, warning.server) == ("vector_store_failed", None)
    assert warning.message == "Vector store b could not be searched: b is gone"


async def test_without_any_living_store_the_engine_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable, match="a is gone"):
        await retrieve(HalfDead(dead={"a", "b"}), "service", (A, B))


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
        await retrieve(engine, "service", (A, B))
    assert len(engine.searches) == 2


@pytest.mark.requirement("byok.weights")
async def test_the_scores_of_a_store_are_cut_off_then_multiplied() -> None:
    engine = await engine_with(a={"one": "the port"}, b={"two": "the port", "three": "port"})
    weighed = source("b", name="ocp-docs", multiplier=3.0, lowest=0.6, is_byok=True)

    found = await retrieve(engine, "the port", (A, weighed), max_chunks=5)

    # Half of the question's words are in the third, which is below the cutoff.
    assert [(each.title, each.source, each.score) for each in found.chunks] == [
        ("two", "ocp-docs", 3.0)
    ]
    other = await engine_with(a={"one": "port number"}, b={"two": "the port"})
    merged = await retrieve(other, "the port", (A, weighed), max_chunks=5)
    assert [(each.title, each.source, each.score) for each in merged.chunks] == [
        ("two", "ocp-docs", 3.0),
        ("one", "a", 0.5),
    ]


@pytest.mark.requirement("byok.weights")
async def test_stores_of_ones_own_give_no_more_chunks_than_their_section_allows() -> None:
    engine = await engine_with(
        a={"one": "port"}, b={"two": "port of b", "three": "port again", "four": "a port too"}
    )
    own = source("b", multiplier=2.0, is_byok=True)

    found = await retrieve(engine, "port", (A, own), max_chunks=5, byok_chunks=2)

    assert [chunk.store_id for chunk in found.chunks] == ["b", "b", "a"]


async def test_a_failing_store_is_called_by_the_name_that_clients_know() -> None:
    engine = HalfDead(dead={"b"})
    engine.add_store(store_info("a"))

    found = await retrieve(engine, "service", (A, source("b", name="ocp-docs", is_byok=True)))

    (warning,) = found.warnings
    assert warning.message == "Vector store ocp-docs could not be searched: b is gone"


class ByLength:
    """A reranker that prefers short texts, whatever the stores said."""

    async def rerank(self, query: str, chunks: Sequence[RagChunk]) -> list[float]:
        assert query == "port"
        return [1.0 / len(chunk.content) for chunk in chunks]


@pytest.mark.requirement("byok.reranker")
async def test_a_turn_shows_its_model_what_its_reranker_prefers() -> None:
    engine = await engine_with(a={"long": "the port of the service", "short": "port 80"})
    request = TurnRequest(query="port")

    firsts: list[str | None] = []
    for reranker in (None, ByLength()):
        async with wired_assistant(engine, MemoryConversationStore(), reranker=reranker) as worker:
            ended = (await all_events(await worker.assistant.start(request, caller())))[-1]
        assert isinstance(ended, TurnCompleted)
        firsts.append(ended.turn.rag_chunks[0].title)

    assert firsts == ["long", "short"]


@pytest.mark.requirement("byok.reranker")
async def test_a_reranker_scores_anew_and_prefers_stores_of_ones_own() -> None:
    engine = await engine_with(
        a={"short": "port 80", "long": "the port of the service is written here"},
        b={"own": "port 8080"},
    )
    own = source("b", is_byok=True)

    found = await retrieve(engine, "port", (A, own), reranker=ByLength())

    # 1.2 / 9 is below 1 / 7 and above 1 / 39.
    assert [chunk.title for chunk in found.chunks] == ["short", "own", "long"]
    assert [chunk.score for chunk in found.chunks] == pytest.approx([1 / 7, 1.2 / 9, 1 / 39])


@pytest.mark.requirement("byok.reranker")
async def test_a_reranker_that_fails_costs_a_warning_and_not_the_answer() -> None:
    class Away:
        async def rerank(self, query: str, chunks: Sequence[RagChunk]) -> list[float]:
            raise EngineUnavailable(f"no answer to '{query}' over {len(chunks)} chunks")

    engine = await engine_with(a={"short": "port 80", "long": "the port of the service"})

    plain = await retrieve(engine, "port", (A,))
    found = await retrieve(engine, "port", (A,), reranker=Away())

    assert found.chunks == plain.chunks
    (warning,) = found.warnings
    assert warning.code == "reranker_failed"
    assert "no answer to 'port' over 2 chunks" in warning.message


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
