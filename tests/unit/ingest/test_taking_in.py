"""A foreign store is taken over whole, goes on where it was interrupted, or is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from lightspeed_core.engine.types import VectorStoreInfo
from lightspeed_core.errors import EngineUnavailable, InvalidRequest
from lightspeed_core.ingest.foreign.reader import ForeignStore
from lightspeed_core.ingest.foreign.taking_in import (
    Import,
    Imported,
    find_or_make_store,
    take_in,
)
from tests.support.foreign_store import MODEL, rows_of, write_foreign_file
from tests.support.scripted_engine import ScriptedEngine, store_info

TEXTS = ("The heron stands still.", "Operators are installed.", "Ships come by day.")
VECTORS = ((0.25, 0.5, -1.0), (1.0, 0.0, 0.125), (0.5, 0.5, 0.5))
FOREIGN = ForeignStore("vs_ocp", MODEL, 3)
FITTING = replace(
    store_info("kb"), embedding_model="byok_x/all-mpnet-base-v2", embedding_dimension=3
)
FOLDERS = Path("/data/models")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_foreign_file(tmp_path / "ocp.faiss", rows_of(TEXTS, VECTORS))


def engine_with(info: VectorStoreInfo) -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.add_store(info)
    return engine


@pytest.mark.requirement("import.whole")
async def test_documents_come_over_with_vectors_metadata_and_places(file: Path) -> None:
    engine = engine_with(FITTING)

    done = await take_in(engine, Import(path=file, foreign=FOREIGN, store=FITTING))

    assert done == Imported(documents=3, unchanged=0, chunks=3, embedded=0)
    store = engine.add_store(FITTING)
    assert engine.embedded == []
    for number, text in enumerate(TEXTS):
        document = store.sources[f"doc-{number}"]
        (chunk,) = store.chunks[f"doc-{number}"].values()
        assert document.text[chunk.start : chunk.end] == chunk.content == text
        assert (document.title, document.url) == (
            f"Page {number}",
            f"https://docs.example.com/{number}",
        )
        assert tuple(chunk.vector or ()) == VECTORS[number]
        assert chunk.attributes["tokens"] == 12


@pytest.mark.requirement("import.resumed")
async def test_an_import_that_was_interrupted_goes_on_and_changes_nothing_twice(
    file: Path,
) -> None:
    engine = engine_with(FITTING)

    def stop(done: Imported) -> None:
        if done.documents == 2:
            raise EngineUnavailable("killed")

    with pytest.raises(EngineUnavailable):
        await take_in(engine, Import(path=file, foreign=FOREIGN, store=FITTING, report=stop))
    assert len(await engine.documents("kb")) == 2

    again = await take_in(engine, Import(path=file, foreign=FOREIGN, store=FITTING))
    third = await take_in(engine, Import(path=file, foreign=FOREIGN, store=FITTING))

    assert (again.documents, again.unchanged) == (3, 2)
    assert (third.documents, third.unchanged) == (3, 3)


@pytest.mark.requirement("import.whole")
async def test_texts_are_embedded_anew_where_it_is_wished(file: Path) -> None:
    store = store_info("kb")
    engine = engine_with(store)

    done = await take_in(engine, Import(path=file, foreign=FOREIGN, store=store, reembed=True))

    assert done.embedded == 3
    assert [text for text, _ in engine.embedded] == list(TEXTS)


@pytest.mark.requirement("import.refused")
async def test_vectors_of_another_length_are_refused(file: Path) -> None:
    store = replace(FITTING, embedding_dimension=4)

    with pytest.raises(InvalidRequest, match="vectors have 3 numbers, and store kb takes 4"):
        await take_in(engine_with(store), Import(path=file, foreign=FOREIGN, store=store))


@pytest.mark.requirement("import.refused")
@pytest.mark.parametrize(
    "store",
    [
        store_info("kb"),
        replace(FITTING, embedding_dimension=4),
        replace(FITTING, embedding_model="onnx/other"),
        None,
    ],
)
async def test_a_model_that_is_not_there_is_refused_with_the_folder_that_would_serve(
    store: VectorStoreInfo | None,
) -> None:
    engine = ScriptedEngine() if store is None else engine_with(store)

    with pytest.raises(InvalidRequest) as refused:
        await find_or_make_store(engine, "kb", FOREIGN, reembed=False, folders=FOLDERS)

    assert f"the vectors are of {MODEL} (3)" in refused.value.cause
    assert f"{FOLDERS}/{MODEL} would serve" in refused.value.cause
    assert "--reembed" in refused.value.cause
    if store is not None:
        found = await find_or_make_store(engine, "kb", FOREIGN, reembed=True, folders=FOLDERS)
        assert found == store


async def test_a_store_is_found_by_name_or_made_for_a_model_that_is_there() -> None:
    named = replace(FITTING, store_id="vs_ocp", name="ocp-docs")
    engine = engine_with(named)
    here = ForeignStore("x", "scripted/embedding", 64)

    found = await find_or_make_store(engine, "ocp-docs", FOREIGN, reembed=False, folders=FOLDERS)
    made = await find_or_make_store(engine, "new", here, reembed=False, folders=FOLDERS)
    anew = await find_or_make_store(engine, "anew", FOREIGN, reembed=True, folders=FOLDERS)

    assert found == named
    assert (made.store_id, made.embedding_model) == ("new", "scripted/embedding")
    assert anew.store_id == "anew"
