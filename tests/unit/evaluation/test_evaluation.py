"""A store is measured over the engine port, and answers by what they cite."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from lightspeed_core.domain.retrieval import Chunk, Citation, RagChunk, SourceDocument
from lightspeed_core.domain.turn import ModelRef, Turn
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.errors import ConfigurationError, EngineUnavailable
from lightspeed_core.evaluation.evaluation import evaluate
from lightspeed_core.evaluation.questions import Place, Question
from lightspeed_core.evaluation.report import render_json, render_table
from tests.support.scripted_engine import ScriptedEngine, store_info

STORE = "manuals"
TEXTS = {"pump.md": "Prime the pump.", "port.md": "The port is 8080.", "oil.md": "Oil the hinge."}


def question(name: str, text: str, *phrases: str) -> Question:
    facts = tuple((Place(phrase=phrase),) for phrase in phrases)
    return Question(question_id=name, text=text, facts=facts)


QUESTIONS = (
    question("pump", "How is the pump primed?", "prime the pump"),
    question("port", "Which port?", "8080"),
    question("lost", "Which port?", "nowhere to be found"),
    question("none", "Who?"),
)


async def engine_with(texts: Mapping[str, str], *, pending: bool = False) -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.add_store(store_info(STORE, "Manuals"))
    for name, text in texts.items():
        document = SourceDocument(document_id=name, text=text, content_hash=text, title=name)
        chunk = Chunk(
            chunk_id=name,
            document_id=name,
            content=text,
            start=0,
            end=len(text),
            vector=None if pending else [1.0],
        )
        await engine.insert_document(STORE, document, [chunk])
    return engine


def answer(text: str, *passages: str, cited: tuple[int, ...] = ()) -> Turn:
    chunks = tuple(
        RagChunk(chunk_id=each, document_id=None, content=each, score=1.0, store_id=STORE)
        for each in passages
    )
    citations = tuple(
        Citation(
            marker=f"[{number}]",
            document_id=None,
            source=None,
            title=None,
            url=None,
            content_hash=None,
            start=None,
            end=None,
            quote=passages[number - 1],
        )
        for number in cited
    )
    return Turn(
        turn_id="t",
        conversation_id="c",
        user_id="u",
        question=text,
        model=ModelRef(provider="p", model="m"),
        started_at=datetime.now(UTC),
        rag_chunks=chunks,
        citations=citations,
    )


async def test_every_mode_of_the_store_is_measured_and_compared_with_the_best() -> None:
    engine = await engine_with(TEXTS)

    measured = await evaluate(engine, STORE, QUESTIONS)

    assert [result.mode for result in measured.modes] == ["hybrid", "vector", "keyword"]
    assert (measured.answerable, measured.unanswerable) == (3, 1)
    hybrid, vector, _ = measured.modes
    found = hybrid.figures["recall@5"]
    assert found is not None
    assert found.value == pytest.approx(2 / 3)
    assert hybrid.missed == ("lost",)
    assert hybrid.difference is None
    assert vector.difference is not None
    assert vector.difference.value == 0.0
    # Each answerable question once a mode, and the first once more.
    assert len(engine.searches) == 3 * 4
    assert {limit for _, _, limit, _ in engine.searches} == {10}


async def test_one_mode_is_measured_alone() -> None:
    engine = await engine_with(TEXTS)

    measured = await evaluate(engine, "Manuals", QUESTIONS, mode=SearchMode.KEYWORD)

    assert [result.mode for result in measured.modes] == ["keyword"]
    assert measured.store == STORE
    assert {mode for _, _, _, mode in engine.searches} == {SearchMode.KEYWORD}


async def test_a_store_that_is_not_listed_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match="no vector store other; listed are manuals"):
        await evaluate(await engine_with(TEXTS), "other", QUESTIONS)


async def test_an_empty_store_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="holds no document"):
        await evaluate(await engine_with({}), STORE, QUESTIONS)


async def test_questions_without_any_answer_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no question is answerable"):
        await evaluate(await engine_with(TEXTS), STORE, QUESTIONS[-1:])


async def test_what_speaks_against_the_figures_is_told() -> None:
    engine = await engine_with(TEXTS, pending=True)
    absent = Question(question_id="x", text="x", facts=((Place(document="gone.md"),),))

    measured = await evaluate(engine, STORE, (*QUESTIONS, absent))

    vectors, documents = measured.warnings
    assert vectors.startswith("3 of 3 chunks have no vector")
    assert documents == "1 documents of the questions are not in the store: gone.md"


async def test_answers_are_judged_by_the_passages_that_they_cite() -> None:
    answers = {
        "How is the pump primed?": answer("?", "Prime the pump.", "Else.", cited=(1, 2)),
        "Which port?": answer("?", "Else.", cited=(1,)),
        "Who?": answer("?", "Else.", cited=(1,)),
        "Silent?": answer("?", "Silence."),
    }
    silent = question("silent", "Silent?", "silence")

    async def ask(text: str) -> Turn:
        return answers[text]

    measured = await evaluate(await engine_with(TEXTS), STORE, (*QUESTIONS, silent), ask=ask)

    assert measured.answers is not None
    values = {name: each and each.value for name, each in measured.answers.figures.items()}
    assert values == {
        "answered": 0.75,
        "rightly answered": 0.25,
        "wrongly answered": 1.0,
        "citation precision": 0.25,
    }


async def test_a_turn_that_fails_is_no_answer_and_is_told() -> None:
    async def ask(_: str) -> Turn:
        raise EngineUnavailable("the endpoint is away")

    measured = await evaluate(await engine_with(TEXTS), STORE, QUESTIONS[:2], ask=ask)

    assert measured.answers is not None
    assert measured.answers.failed == {
        "pump": "the endpoint is away",
        "port": "the endpoint is away",
    }
    assert measured.answers.figures["wrongly answered"] is None
    assert "warning: pump failed: the endpoint is away" in render_table(measured)


async def test_a_report_is_a_table_for_people_and_json_for_programs() -> None:
    engine = await engine_with(TEXTS)

    async def ask(text: str) -> Turn:
        return answer(text)

    measured = await evaluate(engine, STORE, QUESTIONS, ask=ask)

    table = render_table(measured)
    assert "vector store manuals, embedded by scripted/embedding" in table
    assert "3 questions with an answer, 1 without" in table
    assert "66.7 [" in table
    assert "recall@5 of vector less hybrid  0.0 [0.0, 0.0]" in table
    assert "citation precision  -" in table
    written = json.loads(render_json(measured))
    assert written["modes"][0]["figures"]["recall@5"]["value"] == 0.6667
    assert written["modes"][0]["missed"] == ["lost"]
    assert written["answers"]["figures"]["answered"] == {"value": 0.0, "low": 0.0, "high": 0.0}
