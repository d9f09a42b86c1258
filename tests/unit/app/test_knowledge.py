"""Folders of the configuration are kept up to date, and followed where that is set."""

import asyncio
from pathlib import Path

import pytest

from lightspeed_core.app.knowledge import keep_knowledge
from lightspeed_core.config.knowledge import KnowledgeConfiguration, KnowledgeFolder
from lightspeed_core.errors import EngineUnavailable
from tests.support.databases import eventually
from tests.support.ingesting import engine_with_store, ingestion_over, name_of, write_files
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.requirement("folders.kept")


def folder(path: Path, *, watch: bool = False) -> KnowledgeConfiguration:
    kept = KnowledgeFolder(
        path=str(path), store="made", watch=watch, url_prefix="https://docs.example.com"
    )
    return KnowledgeConfiguration(folders=(kept,))


async def names(engine: ScriptedEngine) -> set[str]:
    if "made" not in {store.store_id for store in await engine.vector_stores()}:
        return set()
    return {name_of(each.document_id) for each in await engine.documents("made")}


async def test_a_folder_is_indexed_into_a_store_that_is_made_for_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "# A\n\nText.\n"})
    engine, _ = engine_with_store()
    told: list[None] = []
    await keep_knowledge(ingestion_over(engine), folder(tmp_path), lambda: told.append(None))
    assert await names(engine) == {"a.md"}
    assert told
    (found,) = await engine.search("made", "text", limit=1)
    assert found.url == "https://docs.example.com/a.md"


async def test_a_watched_folder_is_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "# A\n\nText.\n"})
    engine, _ = engine_with_store()
    told = asyncio.Event()

    async def has(*wanted: str) -> bool:
        return await names(engine) == set(wanted)

    async with asyncio.TaskGroup() as group:
        section = folder(tmp_path, watch=True)
        following = group.create_task(keep_knowledge(ingestion_over(engine), section, told.set))
        await told.wait()
        write_files(tmp_path, {"b.md": "# B\n\nMore.\n"})
        await eventually(lambda: has("a.md", "b.md"), within=30)
        await asyncio.to_thread((tmp_path / "a.md").unlink)
        await eventually(lambda: has("b.md"), within=30)
        following.cancel()


async def test_a_folder_that_fails_leaves_the_service_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine, _ = engine_with_store()
    engine.down = EngineUnavailable("no route")
    told: list[None] = []
    await keep_knowledge(ingestion_over(engine), folder(tmp_path), lambda: told.append(None))
    assert told
    assert "folder not indexed" in caplog.text
