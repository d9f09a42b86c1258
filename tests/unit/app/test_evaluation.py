"""Answers of an evaluation are those of the service, from one store, and leave no trace."""

from pathlib import Path

import pytest

from lightspeed_core.app.evaluation import answering
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from tests.support.command import MINIMAL
from tests.support.scripted_engine import ScriptedEngine, says, store_info

TEXT = "The pump must be primed before every start."


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    file = tmp_path / "lcs.yaml"
    file.write_text(f"{MINIMAL}rag: {{access: {{manuals: [keeper]}}}}\n")
    return load_configuration(file, {"HOME": str(tmp_path), "LIGHTSPEED_PORT": "8080"})


@pytest.fixture
async def engine() -> ScriptedEngine:
    engine = ScriptedEngine()
    for name in ("manuals", "others"):
        engine.add_store(store_info(name))
        document = SourceDocument(document_id=name, text=TEXT, content_hash=name, title=name)
        chunk = Chunk(chunk_id=name, document_id=name, content=TEXT, start=0, end=len(TEXT))
        await engine.insert_document(name, document, [chunk])
    return engine


async def test_an_answer_cites_the_one_store_whoever_may_read_it(
    configuration: Configuration, engine: ScriptedEngine
) -> None:
    engine.will(says("The pump must be primed. ", "[1]"))

    turn = await answering(configuration, engine, "manuals")("Must the pump be primed?")

    assert [citation.document_id for citation in turn.citations] == ["manuals"]
    assert {store for store, *_ in engine.searches} == {"manuals"}


async def test_a_question_knows_nothing_of_the_one_before(
    configuration: Configuration, engine: ScriptedEngine
) -> None:
    ask = answering(configuration, engine, "manuals")

    first, second = await ask("First?"), await ask("Second?")

    assert first.conversation_id != second.conversation_id
    assert "First?" not in str(engine.chats[1].messages)
