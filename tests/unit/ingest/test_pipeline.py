"""A store is brought up to date with as little work as possible, whatever interrupts it."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.types import EmbeddingPurpose, StoredDocument
from lightspeed_core.errors import EngineFailed, EngineUnavailable, InvalidRequest, NotFound
from lightspeed_core.ingest.pipeline import keep_product_docs, synchronize
from tests.support.scripted_engine import ScriptedEngine, ScriptedStore, store_info

STORE = "product-docs"


def document(name: str, text: str) -> SourceDocument:
    return SourceDocument(
        document_id=name,
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        title=name,
    )


ONE = document("one.md", "# One\n\nThe port is 8080.\n")
TWO = document("two.md", "# Two\n\n" + "\n\n".join(f"Paragraph {n}. " * 40 for n in range(9)))


@dataclass
class Recording(ScriptedEngine):
    """An engine that notes each step and fails where it is told to."""

    steps: list[str] = field(default_factory=list[str])
    poison: str = ""
    error: Exception = field(default_factory=lambda: EngineFailed("garbage"))
    gate: asyncio.Event | None = None
    embedding: asyncio.Event = field(default_factory=asyncio.Event)

    async def embed(
        self, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
    ) -> list[list[float]]:
        self.steps.append(f"embed {len(texts)}")
        self.embedding.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.poison and any(self.poison in text for text in texts):
            raise self.error
        return await super().embed(texts, model=model, purpose=purpose)

    async def insert_document(
        self, store_id: str, document: SourceDocument, chunks: Sequence[Chunk]
    ) -> None:
        kind = "text" if chunks[0].vector is None else "vectors"
        self.steps.append(f"{kind} {document.document_id}")
        await super().insert_document(store_id, document, chunks)

    async def delete_document(self, store_id: str, document_id: str) -> None:
        self.steps.append(f"delete {document_id}")
        await super().delete_document(store_id, document_id)


def engine_with_store(*, takes_pending_chunks: bool = True) -> tuple[Recording, ScriptedStore]:
    engine = Recording()
    info = replace(store_info(STORE), takes_pending_chunks=takes_pending_chunks)
    return engine, engine.add_store(info)


async def test_text_is_stored_before_any_vector_is_computed() -> None:
    engine, store = engine_with_store()
    report = await synchronize(engine, STORE, [ONE, TWO])
    assert engine.steps[:3] == ["text one.md", "text two.md", "embed 1"]
    assert [step for step in engine.steps if "vectors" in step] == [
        "vectors one.md",
        "vectors two.md",
    ]
    assert all(int(step.split()[1]) <= 4 for step in engine.steps if "embed" in step)
    assert [each.pending for each in store.documents()] == [0, 0]
    assert (report.embedded, report.unchanged) == (2, 0)
    assert report.chunks_embedded == sum(each.chunks for each in store.documents())


async def test_passages_are_embedded_with_their_title() -> None:
    engine, _ = engine_with_store()
    await synchronize(engine, STORE, [ONE])
    assert engine.embedded == [
        ("one.md > One\n# One\n\nThe port is 8080.", EmbeddingPurpose.PASSAGE)
    ]


async def test_a_store_that_takes_no_pending_chunks_gets_whole_ones() -> None:
    engine, store = engine_with_store(takes_pending_chunks=False)
    await synchronize(engine, STORE, [ONE])
    assert engine.steps == ["embed 1", "vectors one.md"]
    assert [each.pending for each in store.documents()] == [0]


async def test_unchanged_documents_embed_nothing() -> None:
    engine, _ = engine_with_store()
    await synchronize(engine, STORE, [ONE, TWO])
    engine.steps.clear()
    report = await synchronize(engine, STORE, [ONE, TWO])
    assert engine.steps == []
    assert (report.unchanged, report.embedded) == (2, 0)


async def test_a_changed_document_alone_is_embedded_anew() -> None:
    engine, store = engine_with_store()
    await synchronize(engine, STORE, [ONE, TWO])
    engine.steps.clear()
    changed = document("one.md", "# One\n\nThe port is 9090.\n")
    await synchronize(engine, STORE, [changed, TWO])
    assert engine.steps == ["text one.md", "embed 1", "vectors one.md"]
    assert [chunk.content for chunk in store.chunks["one.md"].values()] == [changed.text.strip()]


async def test_a_vanished_document_is_deleted() -> None:
    engine, store = engine_with_store()
    await synchronize(engine, STORE, [ONE, TWO])
    report = await synchronize(engine, STORE, [TWO])
    assert [each.document_id for each in store.documents()] == ["two.md"]
    assert report.deleted == 1


async def test_a_document_that_was_cut_otherwise_is_replaced() -> None:
    engine, store = engine_with_store()
    pieces = [
        Chunk(chunk_id=str(at), document_id="one.md", content="x", start=at, end=at + 1, vector=[1])
        for at in range(2)
    ]
    store.insert(ONE, pieces)
    await synchronize(engine, STORE, [ONE])
    assert engine.steps == ["delete one.md", "text one.md", "embed 1", "vectors one.md"]
    assert [each.chunks for each in store.documents()] == [1]


async def test_interrupted_work_is_completed_by_the_next_run() -> None:
    engine, store = engine_with_store()
    engine.gate = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(synchronize(engine, STORE, [ONE, TWO]))
        await engine.embedding.wait()
        task.cancel()
    assert all(each.pending == each.chunks for each in store.documents())

    engine.gate = None
    engine.steps.clear()
    report = await synchronize(engine, STORE, [ONE, TWO])
    assert [step for step in engine.steps if "embed" not in step] == [
        "vectors one.md",
        "vectors two.md",
    ]
    assert [each.pending for each in store.documents()] == [0, 0]
    assert report.embedded == 2


async def test_a_document_that_fails_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine, store = engine_with_store()
    engine.poison = "8080"
    with caplog.at_level(logging.WARNING):
        report = await synchronize(engine, STORE, [ONE, TWO])
    assert report.failed == {"one.md"}
    assert {each.document_id: each.pending > 0 for each in store.documents()} == {
        "one.md": True,
        "two.md": False,
    }
    assert "document not indexed document_id=one.md" in caplog.text


async def test_a_document_whose_text_is_refused_is_not_embedded() -> None:
    class Refusing(Recording):
        async def insert_document(
            self, store_id: str, document: SourceDocument, chunks: Sequence[Chunk]
        ) -> None:
            if document is ONE:
                raise InvalidRequest("Invalid request", "not this one")
            await super().insert_document(store_id, document, chunks)

    engine = Refusing()
    engine.add_store(store_info(STORE))
    report = await synchronize(engine, STORE, [ONE, TWO])
    assert report.failed == {"one.md"}
    assert all("8080" not in text for text, _ in engine.embedded)


async def test_an_engine_that_goes_away_ends_the_run() -> None:
    engine, _ = engine_with_store()
    engine.poison, engine.error = "8080", EngineUnavailable("gone")
    with pytest.raises(EngineUnavailable):
        await synchronize(engine, STORE, [ONE, TWO])
    assert engine.steps[-1] == "embed 1"


async def test_an_unknown_store_is_not_found() -> None:
    engine, _ = engine_with_store()
    with pytest.raises(NotFound):
        await synchronize(engine, "another", [ONE])


async def test_it_is_told_when_the_text_of_all_documents_is_there() -> None:
    engine, _ = engine_with_store()

    def note() -> None:
        engine.steps.append("text")

    await synchronize(engine, STORE, [ONE, TWO], on_text=note)

    first_vectors = next(n for n, step in enumerate(engine.steps) if step.startswith("embed"))
    assert engine.steps[:first_vectors].count("text") == 1
    assert engine.steps.index("text") == first_vectors - 1


async def test_a_store_that_was_filled_before_can_be_searched_at_once() -> None:
    engine, _ = engine_with_store()
    await synchronize(engine, STORE, [ONE])
    engine.steps.clear()

    await synchronize(engine, STORE, [ONE, TWO], on_text=lambda: engine.steps.append("text"))

    assert engine.steps[0] == "text"


async def test_what_waits_for_text_goes_on_when_none_will_come(tmp_path: Path) -> None:
    engine, _ = engine_with_store()
    told: list[None] = []

    await keep_product_docs(engine, "another", tmp_path, on_text=lambda: told.append(None))

    assert told


async def test_the_products_documents_are_kept(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(ONE.text)
    engine, store = engine_with_store()
    await keep_product_docs(engine, STORE, tmp_path)
    assert store.documents() == [
        StoredDocument(document_id="README.md", content_hash=ONE.content_hash, chunks=1)
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [(EngineUnavailable("no route"), "no route"), (RuntimeError("a fault"), "a fault")],
)
async def test_a_failure_is_logged_and_never_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, message: str
) -> None:
    (tmp_path / "README.md").write_text(ONE.text)
    engine, _ = engine_with_store()
    engine.poison, engine.error = "8080", error
    await keep_product_docs(engine, STORE, tmp_path)
    assert f"documents not indexed store_id={STORE}" in caplog.text
    assert message in caplog.text
