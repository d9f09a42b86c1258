"""A store is brought up to date with as little work as possible, whatever interrupts it."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.types import EmbeddingPurpose
from lightspeed_core.errors import EngineUnavailable, InvalidRequest, NotFound
from lightspeed_core.ingest.jobs import FileState, JobFile
from lightspeed_core.ingest.memory import MemoryIndexedFiles
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.sources import Folder, FoundFile, Listing, Source
from lightspeed_core.ingest.store import IndexedFiles
from lightspeed_core.ingest.synchronize import OnText, Target, hash_of, synchronize
from tests.support.document_files import pdf_with_picture
from tests.support.ingesting import (
    STORE,
    Recording,
    engine_with_store,
    name_of,
    write_files,
)
from tests.support.scripted_engine import ScriptedEngine, ScriptedStore, store_info

ONE = "# One\n\nThe port is 8080.\n"
TWO = "# Two\n\n" + "\n\n".join(f"Paragraph {n}. " * 40 for n in range(9))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "docs", {"one.md": ONE, "two.md": TWO})


@dataclass
class Synced:
    """A folder and a store, brought together as often as a test wants."""

    engine: ScriptedEngine
    folder: Path
    indexed: IndexedFiles
    store_id: str = STORE

    async def __call__(self, on_text: OnText = lambda: None) -> Progress:
        target = Target(engine=self.engine, store_id=self.store_id, indexed=self.indexed)
        progress = Progress()
        await synchronize(target, Folder(self.folder), progress, on_text=on_text)
        return progress


def synced(engine: ScriptedEngine, folder: Path) -> Synced:
    return Synced(engine, folder, MemoryIndexedFiles())


def documents_of(store: ScriptedStore) -> dict[str, int]:
    """The documents of a store by their paths, each with the chunks that lack a vector."""
    return {name_of(each.document_id): each.pending for each in store.documents()}


def age(path: Path) -> None:
    """Let a file look as if it had been written long ago."""
    past = time.time() - 3600
    os.utime(path, (past, past))


async def test_text_is_stored_before_any_vector_is_computed(folder: Path) -> None:
    engine, store = engine_with_store()
    progress = await synced(engine, folder)()
    assert engine.steps[:3] == ["text one.md", "text two.md", "embed 1"]
    assert [step for step in engine.steps if "vectors" in step] == [
        "vectors one.md",
        "vectors two.md",
    ]
    assert all(int(step.split()[1]) <= 4 for step in engine.steps if "embed" in step)
    assert documents_of(store) == {"one.md": 0, "two.md": 0}
    counts = progress.counts
    assert (counts.files_total, counts.files_done, counts.files_unchanged) == (2, 2, 0)
    assert counts.chunks_embedded == sum(each.chunks for each in store.documents())
    assert counts.chunks_total == counts.chunks_embedded


async def test_passages_are_embedded_with_their_title(folder: Path) -> None:
    (folder / "two.md").unlink()
    engine, _ = engine_with_store()
    await synced(engine, folder)()
    assert engine.embedded == [("One\n# One\n\nThe port is 8080.", EmbeddingPurpose.PASSAGE)]


async def test_a_store_that_takes_no_pending_chunks_gets_whole_ones(folder: Path) -> None:
    (folder / "two.md").unlink()
    engine, store = engine_with_store(takes_pending_chunks=False)
    await synced(engine, folder)()
    assert engine.steps == ["embed 1", "vectors one.md"]
    assert documents_of(store) == {"one.md": 0}


@pytest.mark.attack(75)
@pytest.mark.requirement("ingest.incremental")
async def test_the_same_folder_a_second_time_embeds_and_reads_nothing(folder: Path) -> None:
    engine, _ = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    engine.steps.clear()
    progress = await sync()
    assert engine.steps == []
    assert (progress.counts.files_unchanged, progress.counts.chunks_embedded) == (2, 0)


@dataclass(frozen=True)
class Listed(Source):
    """Files that are told of, whatever there is."""

    files: tuple[FoundFile, ...]

    @property
    def key(self) -> str:
        return "listed"

    def find(self) -> Listing:
        return Listing(self.files)

    def owns(self, document_id: str) -> bool:
        return document_id.startswith("listed/")


async def test_a_file_with_the_size_and_times_of_before_is_not_even_read(folder: Path) -> None:
    engine, _ = engine_with_store()
    target = Target(engine=engine, store_id=STORE, indexed=MemoryIndexedFiles())
    path = folder / "one.md"
    file = FoundFile(document_id="listed/one.md", name="one.md", path=path, stamp="as before")
    await synchronize(target, Listed((file,)), Progress())
    path.unlink()
    progress = Progress()
    await synchronize(target, Listed((file,)), progress)
    assert progress.counts.files_unchanged == 1
    progress = Progress()
    await synchronize(target, Listed((replace(file, stamp="later"),)), progress)
    assert progress.take_files()[0].reason == "it cannot be read: No such file or directory"


async def test_what_was_indexed_is_known_by_the_store_where_nothing_else_is_known(
    folder: Path,
) -> None:
    engine, _ = engine_with_store()
    await synced(engine, folder)()
    engine.steps.clear()
    progress = await synced(engine, folder)()
    assert engine.steps == []
    assert progress.counts.files_unchanged == 2


async def test_a_file_with_new_times_and_the_same_bytes_embeds_nothing(folder: Path) -> None:
    engine, _ = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    engine.steps.clear()
    age(folder / "one.md")
    progress = await sync()
    assert engine.steps == []
    assert progress.counts.files_unchanged == 2


@pytest.mark.attack(75)
@pytest.mark.requirement("ingest.incremental")
async def test_of_a_changed_file_only_the_changed_chunks_are_embedded(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    before = {chunk.content for chunk in chunks_of(store, "two.md")}
    engine.steps.clear()
    engine.embedded.clear()
    (folder / "two.md").write_text(TWO.replace("Paragraph 4.", "Section 4."))
    await sync()
    after = {chunk.content for chunk in chunks_of(store, "two.md")}
    changed = after - before
    assert 0 < len(changed) < len(after)
    assert len(engine.embedded) == len(changed)
    assert engine.steps[-1] == "vectors two.md"
    assert "text two.md" not in engine.steps
    assert documents_of(store) == {"one.md": 0, "two.md": 0}


def chunks_of(store: ScriptedStore, name: str) -> Sequence[Chunk]:
    return [
        chunk
        for document_id, chunks in store.chunks.items()
        if name_of(document_id) == name
        for chunk in chunks.values()
    ]


@pytest.mark.requirement("ingest.atomic")
async def test_a_changed_document_stays_as_it_was_until_its_new_version_is_whole(
    folder: Path,
) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    (folder / "one.md").write_text(ONE.replace("8080", "9090"))
    engine.embedding.clear()
    engine.gate = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(sync())
        await engine.embedding.wait()
        assert [chunk.content for chunk in chunks_of(store, "one.md")] == [ONE.strip()]
        engine.gate.set()
    (chunk,) = chunks_of(store, "one.md")
    assert "9090" in chunk.content
    assert chunk.vector is not None


async def test_a_changed_document_that_fails_keeps_its_older_version(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    (folder / "one.md").write_text(ONE.replace("8080", "9090"))
    engine.poison = "9090"
    progress = await sync()
    assert progress.take_files() == [
        JobFile(name="one.md", state=FileState.FAILED, reason="garbage")
    ]
    assert [chunk.content for chunk in chunks_of(store, "one.md")] == [ONE.strip()]
    engine.poison = ""
    assert (await sync()).counts.files_failed == 0
    assert "9090" in chunks_of(store, "one.md")[0].content


@pytest.mark.attack(75)
async def test_a_deleted_file_is_gone_from_the_store(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    (folder / "one.md").unlink()
    progress = await sync()
    assert documents_of(store) == {"two.md": 0}
    assert progress.counts.files_deleted == 1
    assert await engine.search(STORE, "8080", limit=5) == []


async def test_documents_of_another_folder_stay_as_they_are(folder: Path, tmp_path: Path) -> None:
    engine, store = engine_with_store()
    indexed = MemoryIndexedFiles()
    await Synced(engine, folder, indexed)()
    other = write_files(tmp_path / "other" / "docs", {"one.md": "# Other\n\nAnother port.\n"})
    await Synced(engine, other, indexed)()
    assert len(store.documents()) == 3
    (other / "one.md").unlink()
    await Synced(engine, other, indexed)()
    assert documents_of(store) == {"one.md": 0, "two.md": 0}
    assert await engine.search(STORE, "8080", limit=5)


async def test_a_document_that_was_cut_otherwise_is_replaced(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    (document,) = [each for name, each in store.sources.items() if name_of(name) == "one.md"]
    store.delete(document.document_id)
    pieces = [
        Chunk(
            chunk_id=str(at),
            document_id=document.document_id,
            content="x",
            start=at,
            end=at + 1,
            vector=[1],
        )
        for at in range(2)
    ]
    store.insert(document, pieces)
    engine.steps.clear()
    await sync()
    assert engine.steps == ["embed 1", "vectors one.md"]
    assert [chunk.content for chunk in chunks_of(store, "one.md")] == [ONE.strip()]


async def test_a_document_with_another_link_is_written_anew_and_embeds_nothing(
    folder: Path,
) -> None:
    engine, store = engine_with_store()
    indexed = MemoryIndexedFiles()
    target = Target(engine=engine, store_id=STORE, indexed=indexed)
    await synchronize(target, Folder(folder), Progress())
    engine.embedded.clear()
    linked = Folder(folder, url_prefix="https://docs.example.com/v2/")
    await synchronize(target, linked, Progress())
    assert engine.embedded == []
    assert {document.url for document in store.sources.values()} == {
        "https://docs.example.com/v2/one.md",
        "https://docs.example.com/v2/two.md",
    }
    assert set(documents_of(store).values()) == {0}


@pytest.mark.requirement("citations.stale")
async def test_another_file_of_the_same_text_is_known_by_its_new_hash_and_embeds_nothing(
    folder: Path,
) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    engine.embedded.clear()
    (folder / "one.md").write_text("\ufeff" + (folder / "one.md").read_text())
    await sync()
    assert engine.embedded == []
    assert documents_of(store) == {"one.md": 0, "two.md": 0}
    (document,) = [each for name, each in store.sources.items() if name_of(name) == "one.md"]
    assert document.file is not None
    assert document.file.digest == hash_of(folder / "one.md")
    assert (await sync()).counts.files_unchanged == 2


async def test_interrupted_work_is_completed_by_the_next_run(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    engine.gate = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(sync())
        await engine.embedding.wait()
        task.cancel()
    assert set(documents_of(store)) == {"one.md", "two.md"}
    engine.gate = None
    engine.steps.clear()
    progress = await sync()
    assert [step for step in engine.steps if "embed" not in step and "text" not in step] == [
        "vectors one.md",
        "vectors two.md",
    ]
    assert documents_of(store) == {"one.md": 0, "two.md": 0}
    assert progress.counts.chunks_embedded == sum(each.chunks for each in store.documents())


async def test_of_a_long_document_what_was_embedded_before_a_crash_is_not_embedded_again(
    tmp_path: Path,
) -> None:
    paragraphs = "\n\n".join(f"## Part {n}\n\n" + f"Word{n} " * 60 for n in range(200))
    folder = write_files(tmp_path / "docs", {"long.md": f"# Long\n\n{paragraphs}"})
    engine, store = engine_with_store()
    engine.poison, engine.error = "Word150", EngineUnavailable("gone")
    sync = synced(engine, folder)
    with pytest.raises(EngineUnavailable):
        await sync()
    (document,) = store.documents()
    done = document.chunks - document.pending
    assert done > 0
    engine.poison = ""
    engine.embedded.clear()
    await sync()
    assert len(engine.embedded) == document.chunks - done
    assert documents_of(store) == {"long.md": 0}


async def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_files(folder, {"bad.md": b"\x00\x01\x02\x03" * 20, "empty.md": " \n"})
    engine, store = engine_with_store()
    with caplog.at_level(logging.WARNING):
        progress = await synced(engine, folder)()
    assert documents_of(store) == {"one.md": 0, "two.md": 0}
    fates = {file.name: (file.state, file.reason) for file in progress.take_files()}
    assert fates["bad.md"][0] is FileState.FAILED
    assert fates["bad.md"][1]
    assert fates["empty.md"] == (FileState.SKIPPED, "it holds no text")
    assert (progress.counts.files_failed, progress.counts.files_done) == (1, 4)
    assert "document not indexed document_id=bad.md" in caplog.text


@pytest.mark.requirement("ingest.reported")
async def test_what_could_not_be_read_of_a_file_is_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"scan.pdf": pdf_with_picture(["The port is 8080."])}
    engine, store = engine_with_store()
    progress = await synced(engine, write_files(tmp_path / "docs", files))()
    (file,) = progress.take_files()
    assert file.state is FileState.INDEXED
    assert file.reason == "1 of 2 pages are pictures, and pictures are not read"
    assert documents_of(store) == {"scan.pdf": 0}


async def test_a_file_that_lost_its_text_is_gone_from_the_store(folder: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    (folder / "one.md").write_text("\n")
    await sync()
    assert documents_of(store) == {"two.md": 0}


async def test_a_document_whose_text_is_refused_is_not_embedded(folder: Path) -> None:
    class Refusing(Recording):
        async def insert_document(
            self,
            store_id: str,
            document: SourceDocument,
            chunks: Sequence[Chunk],
            *,
            embedding_model: str | None = None,
            is_whole: bool = False,
        ) -> None:
            if document.title == "One":
                raise InvalidRequest("Invalid request", "not this one")
            await super().insert_document(
                store_id, document, chunks, embedding_model=embedding_model, is_whole=is_whole
            )

    engine = Refusing()
    engine.add_store(store_info(STORE))
    progress = await synced(engine, folder)()
    assert [file.name for file in progress.take_files() if file.state is FileState.FAILED] == [
        "one.md"
    ]
    assert all("8080" not in text for text, _ in engine.embedded)


async def test_an_engine_that_goes_away_ends_the_run(folder: Path) -> None:
    engine, _ = engine_with_store()
    engine.poison, engine.error = "8080", EngineUnavailable("gone")
    with pytest.raises(EngineUnavailable):
        await synced(engine, folder)()
    assert engine.steps[-1] == "embed 1"


async def test_an_unknown_store_is_not_found(folder: Path) -> None:
    engine, _ = engine_with_store()
    sync = synced(engine, folder)
    sync.store_id = "another"
    with pytest.raises(NotFound):
        await sync()


async def test_a_missing_folder_deletes_nothing(folder: Path, tmp_path: Path) -> None:
    engine, store = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    await asyncio.to_thread(folder.rename, tmp_path / "unmounted")
    with pytest.raises(NotFound):
        await sync()
    assert documents_of(store) == {"one.md": 0, "two.md": 0}


async def test_it_is_told_when_the_text_of_the_files_is_there(folder: Path) -> None:
    engine, _ = engine_with_store()

    def note() -> None:
        engine.steps.append("told")

    await synced(engine, folder)(note)
    first_vectors = next(n for n, step in enumerate(engine.steps) if step.startswith("embed"))
    assert engine.steps[:first_vectors] == ["text one.md", "text two.md", "told"]


async def test_a_store_that_was_filled_before_can_be_searched_at_once(folder: Path) -> None:
    engine, _ = engine_with_store()
    sync = synced(engine, folder)
    await sync()
    write_files(folder, {"three.md": "# Three\n"})
    engine.steps.clear()
    await sync(lambda: engine.steps.append("told"))
    assert engine.steps[0] == "told"


@dataclass(frozen=True)
class Described(Source):
    """One file that is cut and described as it is wished, and is gone afterwards."""

    file: FoundFile

    @property
    def key(self) -> str:
        return self.file.document_id

    def find(self) -> Listing:
        return Listing([self.file])

    def owns(self, document_id: str) -> bool:
        return document_id == self.file.document_id


async def test_a_file_is_cut_and_described_as_its_source_says(folder: Path) -> None:
    engine, store = engine_with_store()
    target = Target(engine=engine, store_id=STORE, indexed=MemoryIndexedFiles())
    plain = FoundFile(document_id="two", name="two.md", path=folder / "two.md", stamp="1")
    described = replace(
        plain, title="Both", is_kept=False, attributes={"year": 2026}, max_chunk_tokens=60
    )
    cut: list[int] = []
    for file in (plain, described, described):
        engine.steps.clear()
        await synchronize(target, Described(file), Progress())
        cut.append(len(store.chunks["two"]))

    assert engine.steps == []
    assert cut[0] < cut[1] == cut[2]
    assert (store.sources["two"].title, store.sources["two"].file) == ("Both", None)
    assert {chunk.attributes["year"] for chunk in store.chunks["two"].values()} == {2026}
